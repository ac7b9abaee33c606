package gateway

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math"

	"searchd/hf"
)

// key names everything that an answer depends on: who is asked, and each field of the call.
type key [sha256.Size]byte

// keyOf hashes a call as a target gets it. Each part is written with its length or a mark for its absence, so no two
// calls are written alike.
func keyOf(t Target, c hf.Call) key {
	k := newKeyer()
	k.text(t.Provider)
	k.text(t.Type)
	k.text(string(c.Task))
	k.text(c.Model)
	k.texts(c.Inputs)
	k.text(c.Query)
	k.number(uint64(len(c.Messages)))
	for _, m := range c.Messages {
		k.text(m.Role)
		k.text(m.Content)
	}
	k.text(c.Source)
	k.text(c.Target)
	k.params(c.Params)
	return k.sum()
}

type keyer struct {
	hash hash.Hash
	w    *bufio.Writer // so that a long text is hashed without a copy of it
}

func newKeyer() *keyer {
	h := sha256.New()
	return &keyer{hash: h, w: bufio.NewWriterSize(h, 1024)}
}

func (k *keyer) params(p hf.Params) {
	optional(k, p.Temperature, math.Float64bits)
	optional(k, p.MaxTokens, bits)
	optional(k, p.MinTokens, bits)
	optional(k, p.TopP, math.Float64bits)
	optional(k, p.TopK, bits)
	optional(k, p.RepetitionPenalty, math.Float64bits)
	optional(k, p.DoSample, bit)
	k.texts(p.Stop)
	optional(k, p.Seed, func(n int64) uint64 { return uint64(n) })
}

func optional[T any](k *keyer, p *T, number func(T) uint64) {
	if p == nil {
		k.number(0)
		return
	}
	k.number(1)
	k.number(number(*p))
}

func bits(n int) uint64 { return uint64(n) }

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func (k *keyer) number(n uint64) {
	_, _ = k.w.Write(binary.LittleEndian.AppendUint64(k.w.AvailableBuffer(), n))
}

func (k *keyer) text(s string) {
	k.number(uint64(len(s)))
	_, _ = k.w.WriteString(s)
}

func (k *keyer) texts(list []string) {
	k.number(uint64(len(list)))
	for _, s := range list {
		k.text(s)
	}
}

func (k *keyer) sum() key {
	_ = k.w.Flush() // a hash never fails
	return key(k.hash.Sum(nil))
}

// flightKey names requests that may share one way upstream: equal calls over the same route with the same patience.
func flightKey(r *run) key {
	k := newKeyer()
	for _, t := range r.keys {
		_, _ = k.w.Write(t[:])
	}
	k.number(uint64(r.attemptTimeout))
	return k.sum()
}
