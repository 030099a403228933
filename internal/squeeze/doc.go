// Package squeeze compresses what a connection carries, in the S2 stream format (spec:
// cluster-routes 11): every batch that is sent is a stream of its own, and what is
// received is opened block by block, so that nobody is made to hold more than two blocks
// by a peer. The compression itself is that of a library.
package squeeze
