// Package dashboard is a read-only web page about a server, served beside its
// monitoring reports.
//
// The page is a few files of HTML, CSS and JavaScript, embedded, without anything from
// elsewhere and without a build step. It asks for the reports of package monitor by
// relative paths, so that it works below any base path and behind any proxy, and for
// two more from here: the subjects that flow now and the configuration in force.
//
// Names and subjects are chosen by clients, so nothing the server tells is trusted:
// the scripts make text nodes of it only, and the headers forbid scripts from
// anywhere but these files.
package dashboard
