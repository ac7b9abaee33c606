package local

import (
	"fmt"
	"runtime/debug"
	"slices"

	"searchd/hf/encoder"
)

// text is one input, ready for the encoder.
type text struct {
	ids       []int32 // with special tokens
	second    int     // of a pair, where the second part begins; else 0
	truncated bool
	states    []float32 // where the hidden states of the tokens go, one after the other; nil where they are not wanted
}

// keep copies the hidden states of the text, which begins at row first, if they are wanted.
func (t *text) keep(space *encoder.Workspace, first int) {
	if t.states == nil {
		return
	}
	width := len(t.states) / len(t.ids)
	for i := range t.ids {
		copy(t.states[i*width:], space.Row(first+i))
	}
}

// place is one text of a request.
type place struct {
	request *request
	text    int
}

// encode computes a batch: width values a text. Encoder, output and width are those of a model, so that all its callers
// can share a batch.
type encode func(ws *encoder.Workspace, b *encoder.Batch, values []float32) error

// pass is one batch on its way through the encoder, and scratch memory that lives on from batch to batch.
type pass struct {
	space  *encoder.Workspace
	places []place
	batch  encoder.Batch
	values []float32
}

// tokens is the size of the batch.
func (p *pass) tokens() int {
	n := 0
	for _, at := range p.places {
		n += len(at.request.texts[at.text].ids)
	}
	return n
}

// run computes the batch and gives each request its values, or its error. A batch that fails is computed again text by
// text: what is wrong with one caller's text is no concern of another's.
func (p *pass) run(encode encode, width int) {
	all := p.places
	if p.try(encode, width, all) == nil {
		return
	}
	for i := range all {
		if err := p.try(encode, width, all[i:i+1]); err != nil {
			all[i].request.fail(err)
		}
	}
}

func (p *pass) try(encode encode, width int, places []place) (err error) {
	defer func() {
		if v := recover(); v != nil { // on no caller's goroutine, it would end the process
			err = fmt.Errorf("local: panic: %v\n%s", v, debug.Stack())
		}
	}()
	p.batch.Reset()
	for _, at := range places {
		text := &at.request.texts[at.text]
		p.batch.IDs = append(p.batch.IDs, text.ids...)
		p.batch.ClosePair(text.second)
	}
	p.values = slices.Grow(p.values[:0], len(places)*width)[:len(places)*width]
	if err := encode(p.space, &p.batch, p.values); err != nil {
		return err
	}
	row := 0
	for k, at := range places {
		copy(at.request.values[at.text*width:], p.values[k*width:][:width])
		text := &at.request.texts[at.text]
		text.keep(p.space, row)
		row += len(text.ids)
	}
	return nil
}
