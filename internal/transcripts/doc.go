// Package transcripts holds conversations with a server: what a client sends and
// the exact bytes it gets back. Its test runs each of them against our server, in
// one piece and split in many ways, and against the reference executable, so the
// files in testdata are at once the examples to the specification and its proof.
//
// A file holds cases. A case is a title, settings, and steps:
//
//	# a title
//	spec: 8                       section of the specification
//	options: max_payload=10       settings of the server, for both servers
//	options: config=accounts      the settings are in testdata/accounts.conf
//	differs: 2.9.10 the reason    the reference does otherwise; without this line it has to pass
//	modes: whole                  never split what is sent (timers, bulk)
//	modes: tcp                    nothing for a connection within the process
//	@a                            the steps that follow are of connection a
//	> PUB foo 2                   sent, with CR LF appended
//	> hi\                         sent, without CR LF: a final backslash
//	< MSG foo 1 2                 received, exactly, with CR LF
//
// A spec line before the first title holds for all cases of the file. Empty lines
// and lines that begin with // are ignored. The steps:
//
//	@a            use connection a; the first use dials and reads the INFO
//	@a raw        the same, but the INFO is left for the steps to read
//	@a retry      dial until the server keeps the connection
//	> text        send; consecutive lines of a connection go out in one write
//	< text        expect exactly this next
//	<| text       expect this next, in any order with the <| lines around it
//	<1 a b | text expect this on exactly one of the connections, nothing on the others
//	= key value   the last INFO has this value (JSON, or /regular expression/, or absent)
//	? or ! or !*  still open with nothing more received; or closed with nothing more; or closed after anything
//	.             send FIN, and keep reading
//	~ text => text   send again and again until the line appears among the answers
//	~ text => @b     send again and again until something has come for connection b
//
// "target" before a step is for our server only, "reference" for the reference
// only; both are allowed in cases that differ. A case that differs and has neither
// is not run against the reference at all.
//
// In texts \r, \n, \t, \\ and \xNN mean what they mean in Go, {ab*3} is ababab.
// In expected lines {*} stands for anything within the line and {1|2} for either.
//
// After the last step every connection has to be closed by a ! or has to pass a ?,
// so nothing may arrive that a case does not expect.
package transcripts
