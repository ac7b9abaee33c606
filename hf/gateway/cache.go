package gateway

import (
	"math"
	"time"

	"github.com/maypok86/otter/v2"

	"searchd/hf"
)

// cache keeps replies, bounded in bytes and in age. An embedding is kept as the reply to its text alone.
type cache struct {
	replies *otter.Cache[key, hf.Reply]
}

func newCache(bytes int64, ttl time.Duration) *cache {
	return &cache{otter.Must(&otter.Options[key, hf.Reply]{
		MaximumWeight:    uint64(bytes),
		Weigher:          func(_ key, r hf.Reply) uint32 { return uint32(min(size(r), math.MaxUint32)) },
		ExpiryCalculator: otter.ExpiryWriting[key, hf.Reply](ttl),
	})}
}

func (c *cache) get(k key) (hf.Reply, bool) { return c.replies.GetIfPresent(k) }
func (c *cache) set(k key, r hf.Reply)      { c.replies.Set(k, clone(r)) }
func (c *cache) close()                     { c.replies.StopAllGoroutines() }

// entryBytes is what an entry takes besides the contents of its reply: key, node, slot in the hash table, slice headers.
const entryBytes = 280

// size is about how many bytes a cached reply takes.
func size(r hf.Reply) int {
	n := entryBytes + len(r.Model) + len(r.FinishReason)
	for _, t := range r.Texts {
		n += 16 + len(t)
	}
	for _, labels := range r.Labels {
		n += 24
		for _, l := range labels {
			n += 24 + len(l.Name)
		}
	}
	for _, v := range r.Vectors {
		n += 24 + 4*len(v)
	}
	n += 4 * len(r.Scores)
	return n
}
