// Package insight estimates which subjects flow through a server now, at no cost
// while nobody asks.
//
// A Sampler is off until Report is called, and again some seconds after the last
// call. While it is on, each reader of a connection picks one message of every read,
// any of them with the same probability, and offers it with the number of messages
// that it stands for. Sums over the samples are therefore unbiased estimates of sums
// over all messages.
//
// What is kept is bounded, however many subjects there are: a sketch of the heaviest
// subjects, and one for each of the first tokens in common, so that a million
// subjects below one prefix show up as that prefix. The past is forgotten
// exponentially, so that the figures are rates of the last seconds.
package insight
