package encoder

import (
	"math"
	"runtime"
	"sync/atomic"
	"time"

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
	projection                // a panel a part
	attentionNorm             // normRows a part
	growth                    // growPanels a part, with the activation
	shrinking                 // a panel a part
	outputNorm                // normRows a part
	steps
)

const (
	normRows   = 16 // rows, of which each takes about a tenth of a microsecond
	growPanels = 4
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
		p = &pass{m: p.m, ws: p.ws, b: p.b, tokens: p.tokens, shared: true} // its own: a helper may look at it after the end
		p.next.Store(uint64(waiting))
		for i := range helpers {
			go p.help(1 + i)
		}
	}
	p.m.embed(p.ws, p.b)
	visit(0)
	for layer := range p.m.layers {
		p.layer(layer)
		visit(layer + 1)
	}
	p.leave()
}

// leave sends the helpers away. From then on none of them touches the workspace.
func (p *pass) leave() {
	if p.shared {
		p.next.Store(uint64(ended))
		p.shared = false
	}
}

func (p *pass) layer(layer int) {
	for block := range (p.tokens + rowBlock - 1) / rowBlock {
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
	c.caution = min(c.caution+3, maxCaution)
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
// lasts longer, because the other core is wanted elsewhere, gives way.
func relax(spins int) {
	if spins > 100 {
		runtime.Gosched()
	}
}

// rows is the block of rows of a place.
func (p *pass) rows(at place) (first, count int) {
	first = at.block() * rowBlock
	return first, min(rowBlock, p.tokens-first)
}

// parts is how many parts the step of a place has.
func (p *pass) parts(at place) int {
	l := &p.m.layers[at.layer()]
	_, rows := p.rows(at)
	switch at.step() {
	case attention:
		return p.m.config.Heads
	case projection:
		return l.output.panelCount()
	case growth:
		return (l.grow.panelCount() + growPanels - 1) / growPanels
	case shrinking:
		return l.shrink.panelCount()
	default:
		return (rows + normRows - 1) / normRows
	}
}

// do does one part. Each thread has attention buffers of its own; what they share they write in different places.
func (p *pass) do(at place, thread int) {
	l, ws, stride := &p.m.layers[at.layer()], p.ws, p.m.hidden.stride
	first, rows := p.rows(at)
	x := ws.hidden[first*stride:]
	switch at.step() {
	case attention:
		l.attend(p.m, ws, &ws.heads[thread], p.b, at.part())
		if thread == 0 {
			ws.pause()
		}
	case projection:
		l.output.panel(at.part(), ws.sum, ws.context[first*l.output.in:], rows)
	case attentionNorm:
		i, n := normPart(at, rows)
		l.attentionNorm.add(x[i*stride:], ws.sum[i*stride:], stride, n)
	case growth:
		p.grow(l, at.part(), x, rows)
	case shrinking:
		l.shrink.panel(at.part(), ws.sum, ws.inner, rows)
	case outputNorm:
		i, n := normPart(at, rows)
		l.outputNorm.add(x[i*stride:], ws.sum[i*stride:], stride, n)
	}
}

func normPart(at place, rows int) (first, count int) {
	first = at.part() * normRows
	return first, min(normRows, rows-first)
}

// grow computes some panels of the feed-forward network's inner values, and the activation while they are in the cache.
func (p *pass) grow(l *layer, part int, x []float32, rows int) {
	width := len(l.grow.bias)
	begin := part * growPanels
	end := min(begin+growPanels, l.grow.panelCount())
	for i := begin; i < end; i++ {
		l.grow.panel(i, p.ws.inner, x, rows)
	}
	for r := range rows {
		p.m.activate(p.ws.inner[r*width+begin*simd.PanelWidth : r*width+end*simd.PanelWidth])
	}
}
