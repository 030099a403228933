// Package interest knows who wants which subject.
//
// A Table holds the subscriptions of one account. Filters without wildcards are
// kept in hash tables, sharded by their whole subject; filters with wildcards in
// tries, sharded by their first token, with one trie for those whose first token
// is itself a wildcard. So a match looks at one literal shard and at most two
// tries. Each shard has a lock and a generation, which changes with its content;
// publishers keep match results as long as the generations of the shards they
// came from stay the same (Stamp). Results are copies: nothing that a reader
// holds is changed under it.
//
// A Sub belongs to the Table from Insert to Remove; the part of it that deliveries
// change, its Tap, is guarded by the queue of its connection.
package interest
