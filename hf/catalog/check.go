package catalog

import (
	"math"
	"slices"
	"strconv"

	"searchd/hf"
	"searchd/models"
)

// maxStopBytes is the longest stop sequence.
const maxStopBytes = 256

// Check answers the parameters that a model takes, and a note for each that it does not, which is left out. A value out
// of its range is an error that names the parameter, whether the model takes it or not: a mistake is a mistake.
//
// A model that the catalogue does not have may take anything, so nothing is left out for it. The result shares nothing
// with p that p's owner could change.
func (c *Catalog) Check(model string, p hf.Params) (kept hf.Params, notes []string, err *models.Error) {
	if err := c.inRange(p); err != nil {
		return hf.Params{}, nil, err
	}
	kept = hf.Params{
		Temperature: copied(p.Temperature), MaxTokens: copied(p.MaxTokens), MinTokens: copied(p.MinTokens), TopP: copied(p.TopP), TopK: copied(p.TopK),
		RepetitionPenalty: copied(p.RepetitionPenalty), DoSample: copied(p.DoSample), Stop: slices.Clone(p.Stop), Seed: copied(p.Seed),
	}
	m, known := c.Model(model)
	if !known {
		return kept, nil, nil
	}
	for _, name := range parameters {
		if !slices.Contains(m.Takes, name) && drop(&kept, name) {
			notes = append(notes, name+" was left out: "+model+" does not take it")
		}
	}
	return kept, notes, nil
}

// drop takes a parameter away, and says whether it was there.
func drop(p *hf.Params, name string) bool {
	switch name {
	case "temperature":
		return cleared(&p.Temperature)
	case "max_tokens":
		return cleared(&p.MaxTokens)
	case "min_tokens":
		return cleared(&p.MinTokens)
	case "top_p":
		return cleared(&p.TopP)
	case "top_k":
		return cleared(&p.TopK)
	case "repetition_penalty":
		return cleared(&p.RepetitionPenalty)
	case "do_sample":
		return cleared(&p.DoSample)
	case "seed":
		return cleared(&p.Seed)
	}
	was := len(p.Stop) > 0
	p.Stop = nil
	return was
}

func cleared[T any](p **T) bool {
	was := *p != nil
	*p = nil
	return was
}

func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

func (c *Catalog) inRange(p hf.Params) *models.Error {
	for _, v := range []struct {
		name  string
		value *float64
	}{
		{"temperature", p.Temperature},
		{"max_tokens", number(p.MaxTokens)},
		{"min_tokens", number(p.MinTokens)},
		{"top_p", p.TopP},
		{"top_k", number(p.TopK)},
		{"repetition_penalty", p.RepetitionPenalty},
		{"seed", number(p.Seed)},
	} {
		if v.value == nil {
			continue
		}
		if r := c.data.Ranges[v.name]; !r.holds(*v.value) || math.IsNaN(*v.value) {
			return models.Errorf(models.Invalid, v.name, "%s is out of range: give %s to %s", plain(*v.value), plain(r.Min), plain(r.Max))
		}
	}
	if p.MinTokens != nil && p.MaxTokens != nil && *p.MinTokens > *p.MaxTokens {
		return models.Errorf(models.Invalid, "min_tokens", "%d is more than max_tokens, which is %d", *p.MinTokens, *p.MaxTokens)
	}
	return c.checkStop(p.Stop)
}

func (c *Catalog) checkStop(stop []string) *models.Error {
	if r := c.data.Ranges["stop"]; !r.holds(float64(len(stop))) {
		return models.Errorf(models.Invalid, "stop", "there are %d stop sequences: give %s to %s", len(stop), plain(r.Min), plain(r.Max))
	}
	for i, s := range stop {
		if s == "" || len(s) > maxStopBytes {
			return models.Errorf(models.Invalid, "stop["+strconv.Itoa(i)+"]", "a stop sequence has 1 to %d bytes", maxStopBytes)
		}
	}
	return nil
}

// number is an integer as a float. From 2^53 on it may be rounded, which no range reaches.
func number[T int | int64](p *T) *float64 {
	if p == nil {
		return nil
	}
	f := float64(*p)
	return &f
}

func plain(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
