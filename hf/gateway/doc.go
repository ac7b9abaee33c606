// Package gateway makes calls to models dependable and cheap, whoever answers them: retries, fallbacks, a circuit breaker,
// an answer cache, joined calls, batched embeddings, limits, costs and a record of each request. It wraps any hf.Provider,
// and knows no wire format.
//
// # The way of a request
//
//	cached? ──yes──► answer
//	   │no
//	equal request in flight? ──yes──► wait for its answer
//	   │no
//	for each target:  cached? then up to three attempts, each:
//	                  budget → circuit → a place at the provider → call, at most a minute → note how it went
//
// Transient failures are tried again at the same target; every other failure but hf.FaultInvalid goes to the next
// target at once, and so does a wait that would outlast the deadline. A request that has met a transient failure comes back
// once to the targets whose circuits were open. A deadline that is not longer than the timeout of
// an attempt leaves a fallback no time when the first target hangs.
//
// # State
//
// All of it is bounded: the cache in bytes, the circuits in number, the limits by the number of providers. A Gateway is
// safe for concurrent use, and nothing it answers with is shared with another caller.
package gateway
