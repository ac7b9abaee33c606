package encoder

import (
	"iter"
	"math"
	"runtime"
	"sync/atomic"
	"time"

	"searchd/internal/cores"
	"searchd/internal/simd"
)

// pass is one batch on its way through the layers. It is a sequence of steps, and each step falls into parts that do not
// depend on each other: the goroutines of a pass take one part after the other, and all go on to the next step together.
// So even a single short text keeps several cores busy, each reading its own share of the weights.
//
// Whoever computes a part, it is the same arithmetic in the same order: the number of goroutines changes no bit.
type pass struct {
	m  *Model
	ws *Workspace
	b  *Batch

	tokens int           // of the batch, which may be used again while a helper is still about to leave
	shared bool          // with helpers
	next   atomic.Uint64 // the part to be taken next, a place; or waiting, or ended
	done   atomic.Int64  // parts of the step that are finished
}

// step is a part of a layer's work after which everybody waits for everybody.
type step uint8

const (
	attention     step = iota // a head a part; all rows, the other steps do a block of them
	rounding                  // normRows a part: the context as integers, where the projection multiplies those
	projection                // a panel a part
	attentionNorm             // normRows a part
	growth                    // growPanels a part, with the activation
	shrinking                 // a panel a part
	outputNorm                // normRows a part
	floatSteps
)

const (
	normRows   = 16 // rows, of which each takes about a tenth of a microsecond
	growPanels = 4  // an even number: groups of integers have two
)

// place is where a pass is, in the form in which it is shared: layer, block of rows, step and part.
type place uint64

const (
	waiting = place(math.MaxUint64 - 1)
	ended   = place(math.MaxUint64)
)

func placeOf(layer, block int, s step) place {
	return place(layer)<<48 | place(block)<<32 | place(s)<<24
}

func (p place) layer() int { return int(p >> 48) }
func (p place) block() int { return int(p >> 32 & 0xffff) }
func (p place) step() step { return step(p >> 24) }
func (p place) part() int  { return int(p & 0xffffff) }

// run takes the batch through all layers, on ws.Threads goroutines if other work leaves them time, the caller's being one.
func (p *pass) run(visit func(layer int)) {
	if helpers := p.ws.crowd.helpers(p.ws.Threads - 1); helpers > 0 {
		p = p.sharedBy(helpers)
	}
	p.m.embed(p.ws, p.b)
	if p.m.tiled {
		p.narrow()
	}
	for layer := range p.m.layers {
		if visit != nil {
			p.show(visit, layer)
		}
		if p.shared && p.ws.Alone != nil && !p.ws.Alone() {
			p.leave()
		}
		p.layer(layer)
	}
	p.leave()
	if p.m.tiled {
		p.widen()
	}
	if visit != nil {
		visit(len(p.m.layers))
	}
}

// sharedBy is the same pass with helpers. It is none of the workspace's: a helper may look at it after the end.
func (p *pass) sharedBy(helpers int) *pass {
	shared := &pass{m: p.m, ws: p.ws, b: p.b, tokens: p.tokens, shared: true}
	shared.next.Store(uint64(waiting))
	cores.Elsewhere(helpers, func(i int) { shared.help(1 + i) })
	return shared
}

// show lets visit see the state before a layer.
func (p *pass) show(visit func(layer int), layer int) {
	if p.m.tiled && layer > 0 {
		p.widen()
	}
	visit(layer)
}

// leave sends the helpers away. From then on none of them touches the workspace.
func (p *pass) leave() {
	if p.shared {
		p.next.Store(uint64(ended))
		p.shared = false
	}
}

func (p *pass) layer(layer int) {
	rows, steps := p.shape()
	for block := range (p.tokens + rows - 1) / rows {
		for s := range steps {
			if s == attention && block > 0 {
				continue
			}
			if at := placeOf(layer, block, s); p.shared {
				p.share(at)
			} else {
				p.all(at)
			}
		}
		p.ws.pause()
	}
}

// all does a step alone.
func (p *pass) all(at place) {
	for range p.parts(at) {
		p.do(at, 0)
		at++
	}
}

// share does a step together with the helpers. Where one of them keeps the others waiting for longer than its part can
// take, its core is wanted elsewhere: the pass goes on without helpers.
func (p *pass) share(at place) {
	n := int64(p.parts(at))
	start := time.Now()
	p.done.Store(0)
	p.next.Store(uint64(at))
	for p.take(0) {
	}
	if p.done.Load() == n {
		return
	}
	own := time.Since(start)
	for spins := 0; p.done.Load() < n; spins++ {
		relax(spins)
	}
	if time.Since(start) > 3*own+patience {
		p.leave()
		p.ws.crowd.stalled()
	}
}

// patience is how much longer than its own share of a step a pass waits for its helpers before it does without them.
const patience = 200 * time.Microsecond

// crowd remembers whether the other cores had time for this workspace's passes. A core that is wanted elsewhere costs a pass
// milliseconds, many times what a helper saves: so after each such pass, more of those that follow go alone.
type crowd struct {
	alone   int // passes that go alone from now on
	caution int // their number the last time, as a power of two
}

const maxCaution = 10

// helpers is how many of the wanted helpers a pass gets.
func (c *crowd) helpers(wanted int) int {
	if wanted <= 0 {
		return 0
	}
	if c.alone > 0 {
		c.alone--
		return 0
	}
	c.caution = max(0, c.caution-1)
	return wanted
}

func (c *crowd) stalled() {
	c.caution = min(c.caution+2, maxCaution)
	c.alone = 1 << c.caution
}

// help takes parts until the pass ends.
func (p *pass) help(thread int) {
	for spins := 0; place(p.next.Load()) != ended; spins++ {
		if p.take(thread) {
			spins = 0
		} else {
			relax(spins)
		}
	}
}

// take does the next part, if there is one. A part is taken by moving next on, which fails if the step has changed meanwhile.
func (p *pass) take(thread int) bool {
	at := place(p.next.Load())
	if at >= waiting || at.part() >= p.parts(at) {
		return false
	}
	if p.next.CompareAndSwap(uint64(at), uint64(at+1)) {
		p.do(at, thread)
		p.done.Add(1)
	}
	return true
}

// relax waits a moment: a step lasts some microseconds, less than it takes to put a goroutine to sleep and wake it. One that
// lasts longer, because the other core is wanted elsewhere, gives way; no sooner, as Go then wakes threads that have nothing to do.
func relax(spins int) {
	if spins > 20_000 { // some tens of microseconds
		runtime.Gosched()
	}
}

// shape is how many rows are a block, and how many steps it takes.
func (p *pass) shape() (rows int, steps step) {
	if p.m.tiled {
		return tileBlock, p.m.tileSteps()
	}
	return rowBlock, floatSteps
}

// rows is the block of rows of a place.
func (p *pass) rows(at place) (first, count int) {
	block, _ := p.shape()
	first = at.block() * block
	return first, min(block, p.tokens-first)
}

// parts is how many parts the step of a place has.
func (p *pass) parts(at place) int {
	l := &p.m.layers[at.layer()]
	_, rows := p.rows(at)
	if p.m.tiled {
		return p.tileParts(at.step(), l, rows)
	}
	switch at.step() {
	case attention:
		return p.m.config.Heads
	case rounding:
		if !l.output.integers() {
			return 0
		}
	case projection:
		return l.output.panelCount()
	case growth:
		return (l.grow.panelCount() + growPanels - 1) / growPanels
	case shrinking:
		return l.shrink.panelCount()
	}
	return (rows + normRows - 1) / normRows
}

// do does one part. Each thread has attention buffers of its own; what they share they write in different places.
func (p *pass) do(at place, thread int) {
	l, ws := &p.m.layers[at.layer()], p.ws
	first, count := p.rows(at)
	if p.m.tiled {
		p.tileDo(at, l, first, count, thread)
		return
	}
	switch at.step() {
	case attention:
		l.attend(p.m, ws, &ws.heads[thread], p.b, at.part())
		if thread == 0 {
			ws.pause()
		}
	case rounding:
		for i := range normPart(at, count) {
			ws.wholeContext.quantize(i, 0, ws.context[(first+i)*l.output.in:][:l.output.in])
		}
	case projection:
		l.output.panel(at.part(), ws.sum, rows{ws.context[first*l.output.in:], ws.wholeContext}, count)
	case attentionNorm:
		ws.addNorm(&l.attentionNorm, first, normPart(at, count))
	case growth:
		p.grow(l, &ws.heads[thread], at.part(), ws.input(first), count)
	case shrinking:
		l.shrink.panel(at.part(), ws.sum, rows{ws.inner, ws.wholeInner}, count)
	case outputNorm:
		ws.addNorm(&l.outputNorm, first, normPart(at, count))
	}
}

// normPart ranges over the rows of a part, counted from the first of their block.
func normPart(at place, rows int) iter.Seq[int] {
	return func(yield func(int) bool) {
		first := at.part() * normRows
		for i := first; i < min(first+normRows, rows) && yield(i); i++ {
		}
	}
}

// grow computes some panels of the feed-forward network's inner values, and the activation while they are in the cache. Where
// the next layer multiplies integers, only those are kept.
func (p *pass) grow(l *layer, hs *headSpace, part int, x rows, count int) {
	begin := part * growPanels * simd.PanelWidth
	end := min(begin+growPanels*simd.PanelWidth, len(l.grow.bias))
	inner, width := hs.inner, end-begin
	if !l.shrink.integers() {
		inner, width = p.ws.inner[begin:], len(l.grow.bias)
	}
	for i := begin; i < end; i += simd.PanelWidth {
		l.grow.columns(i, inner[i-begin:], width, x, count)
	}
	for r := range count {
		row := inner[r*width:][:end-begin]
		p.m.activate(row)
		if l.shrink.integers() {
			p.ws.wholeInner.quantize(r, begin/groupValues, row)
		}
	}
}
