// Package conf reads the configuration language of NATS servers: text in, a tree
// of values or one exact error out (spec: configuration.md 1 to 9). It knows the
// language and no option: which keys exist and what they mean is for others.
//
// One pass over the bytes builds the tree by recursive descent, one function per
// rule of the grammar. Only the first error is reported. The tree does not change
// after parsing, so any number of goroutines may read it.
//
// Texts of errors are those of the servers operators know, because scripts match
// them; what those texts leave out stands next to them in Error. Where following
// the original would hurt, this package departs from it:
//
//   - [1,2] is two integers; there, the bracket becomes part of the last word.
//   - A size beyond int64, such as 10e, is out of range instead of wrapping.
//   - A suffix that is no size, such as 1kbb, is an error instead of vanishing.
//   - A key without a value at the end of a map, {a: }, is an error; there, the key
//     of the map around gets lost.
//   - A NUL ends the text wherever it stands.
//   - A byte order mark at the start of a file is skipped.
//   - A block string that ends with the file does not include its parenthesis.
//   - A single slash behind a value is an error everywhere, not only at top level.
//   - An include with an absolute path that does not exist below the directory of
//     the including file is opened as it is.
//   - A key or an element that spans lines is located where it begins.
//
// Nothing in a file makes parsing run away: bytes, values, nesting and includes
// are bounded (see limits.go), and what goes in circles is an error.
package conf
