package keys

import (
	"fmt"
	"strings"
)

// Reference returns the documentation of a table and its blocks in Markdown, under
// headings of the level given and deeper.
func Reference(title string, t Table, level int) string {
	var b strings.Builder
	reference(&b, title, t, level)
	return b.String()
}

func reference(b *strings.Builder, title string, t Table, level int) {
	fmt.Fprintf(b, "%s %s\n\n", strings.Repeat("#", level), title)
	b.WriteString("| Key | Type | Default | Since | Reload | Effect |\n|---|---|---|---|---|---|\n")
	for i := range t {
		if row := &t[i]; !row.Value.absent {
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n",
				names(row), cell(row.Value.form), code(row.Default), row.Since, reload(row), cell(row.Doc))
		}
	}
	b.WriteByte('\n')
	restarts(b, t)
	unsupported(b, t)
	for i := range t {
		if sub := t[i].Value.sub; sub != nil {
			reference(b, code(t[i].Name), sub, level+1)
		}
		if each := t[i].Value.each; each != nil {
			reference(b, "Each of "+code(t[i].Name), each, level+1)
		}
	}
}

func reload(row *Row) string {
	if row.Value.sub != nil {
		return "see below"
	}
	return [...]string{Live: "yes", NewClients: "new connections", Restart: "no"}[row.Change]
}

// restarts says why keys cannot be reloaded, each reason once.
func restarts(b *strings.Builder, t Table) {
	var reasons []string
	which := make(map[string][]string)
	for i := range t {
		if row := &t[i]; row.Change == Restart {
			if which[row.Why] == nil {
				reasons = append(reasons, row.Why)
			}
			which[row.Why] = append(which[row.Why], names(row))
		}
	}
	for _, why := range reasons {
		fmt.Fprintf(b, "Only a restart changes %s: %s.\n\n", strings.Join(which[why], ", "), why)
	}
}

// unsupported lists the keys that are known, but without a feature.
func unsupported(b *strings.Builder, t Table) {
	var list []string
	for i := range t {
		if t[i].Value.absent {
			list = append(list, names(&t[i]))
		}
	}
	if len(list) > 0 {
		fmt.Fprintf(b, "Known, but not supported by this version: %s.\n\n", strings.Join(list, ", "))
	}
}

// names returns all names of a key, to be told from the next key by a comma.
func names(row *Row) string {
	all := code(row.Name)
	for _, a := range row.Aliases {
		all += " " + code(a)
	}
	return all
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + cell(s) + "`"
}

// cell keeps a text within its cell of a table.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(s)
}
