package keys

import (
	"fmt"
	"strings"
)

// Reference returns the documentation of a table and its blocks in Markdown, under
// headings of the level given.
func Reference(title string, t Table, level int) string {
	var b strings.Builder
	reference(&b, title, t, level)
	return b.String()
}

func reference(b *strings.Builder, title string, t Table, level int) {
	fmt.Fprintf(b, "%s %s\n\n", strings.Repeat("#", level), title)
	b.WriteString("| Key | Type | Default | Since | Reload | Effect |\n|---|---|---|---|---|---|\n")
	for i := range t {
		row := &t[i]
		reload := row.Change.String()
		effect := row.Doc
		switch {
		case row.Value.form == notYet.form:
			continue
		case row.Value.sub != nil:
			reload = "see below"
		case row.Why != "":
			reload += ": " + row.Why
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n",
			names(row), row.Value.form, code(row.Default), row.Since, reload, effect)
	}
	b.WriteByte('\n')
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

// unsupported lists the keys that are known, but without a feature.
func unsupported(b *strings.Builder, t Table) {
	var list []string
	for i := range t {
		if t[i].Value.form == notYet.form {
			list = append(list, names(&t[i]))
		}
	}
	if len(list) > 0 {
		fmt.Fprintf(b, "Known, but not supported by this version: %s.\n\n", strings.Join(list, ", "))
	}
}

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
	return "`" + s + "`"
}
