package catalog

import (
	"fmt"
	"slices"
	"strings"
)

// parameters are those that Check knows, by their names in requests.
var parameters = []string{"temperature", "max_tokens", "min_tokens", "top_p", "top_k", "repetition_penalty", "do_sample", "stop", "seed"}

// tasks are those that a model can have: what hf can ask for, and fill-mask, which is listed only.
var tasks = []string{"text-generation", "feature-extraction", "text-classification", "summarization", "translation", "fill-mask"}

func (c *Catalog) check() error {
	for i, m := range c.data.Models {
		if err := m.check(); err != nil {
			return fmt.Errorf("models[%d] (%s): %w", i, m.ID, err)
		}
		if _, twice := c.at[m.ID]; twice {
			return fmt.Errorf("models[%d]: %s is there twice", i, m.ID)
		}
		c.at[m.ID] = i
	}
	if c.data.LongCharacters < 1 {
		return fmt.Errorf("long_characters is %d: give at least 1", c.data.LongCharacters)
	}
	if err := c.checkRanges(); err != nil {
		return err
	}
	if err := c.checkPresets(); err != nil {
		return err
	}
	return c.checkChoices()
}

func (m Model) check() error {
	publisher, name, ok := strings.Cut(m.ID, "/")
	switch {
	case !ok || publisher == "" || name == "" || strings.ContainsAny(m.ID, " \t\n") || strings.Contains(name, "/"):
		return fmt.Errorf("id: write it as on the hub, publisher/name")
	case !slices.Contains(tasks, m.Task):
		return fmt.Errorf("task is %q: it is one of %s", m.Task, strings.Join(tasks, ", "))
	case m.Parameters < 0 || m.Dimensions < 0 || m.MaxInputTokens < 0:
		return fmt.Errorf("parameters, dimensions and max_input_tokens are not negative; leave out what is not known")
	case m.Dimensions > 0 && m.Task != "feature-extraction":
		return fmt.Errorf("dimensions: only a model for feature-extraction has them")
	case len(m.Runs) == 0:
		return fmt.Errorf("runs: name at least one place")
	}
	for _, p := range m.Runs {
		if !slices.Contains(places, p) {
			return fmt.Errorf("runs: %q is not a place; they are %v", p, places)
		}
	}
	for _, p := range m.Takes {
		if !slices.Contains(parameters, p) {
			return fmt.Errorf("takes: %q is not a parameter; they are %s", p, strings.Join(parameters, ", "))
		}
	}
	return nil
}

func (c *Catalog) checkRanges() error {
	for name, r := range c.data.Ranges {
		if !slices.Contains(parameters, name) || name == "do_sample" {
			return fmt.Errorf("ranges: %q has no range", name)
		}
		if r.Min > r.Max {
			return fmt.Errorf("ranges.%s: min %v is over max %v", name, r.Min, r.Max)
		}
	}
	for _, name := range parameters {
		if _, ok := c.data.Ranges[name]; !ok && name != "do_sample" {
			return fmt.Errorf("ranges: %s is missing", name)
		}
	}
	return nil
}

func (c *Catalog) checkPresets() error {
	for task, p := range c.data.Presets {
		if !c.data.Ranges["temperature"].holds(p.Temperature) || !c.data.Ranges["max_tokens"].holds(float64(p.MaxTokens)) {
			return fmt.Errorf("presets.%s: temperature or max_tokens is out of its range", task)
		}
	}
	for name, q := range c.data.Qualities {
		if !c.data.Ranges["max_tokens"].holds(float64(q.MaxTokens)) {
			return fmt.Errorf("qualities.%s: max_tokens is out of its range", name)
		}
	}
	return nil
}

// checkChoices also sees to it that Choose finds a model for every task and style, whatever the length and the quality.
func (c *Catalog) checkChoices() error {
	for i, r := range c.data.Choices {
		if _, ok := c.at[r.Model]; !ok {
			return fmt.Errorf("choices[%d]: the model %q is not in the catalogue", i, r.Model)
		}
		if _, ok := c.data.Presets[r.Task]; !ok {
			return fmt.Errorf("choices[%d]: the task %q has no preset", i, r.Task)
		}
		if _, ok := c.data.Qualities[r.Quality]; !ok && r.Quality != "" {
			return fmt.Errorf("choices[%d]: the quality %q is not in the catalogue", i, r.Quality)
		}
		if r.Reason == "" {
			return fmt.Errorf("choices[%d]: reason: say in a word why", i)
		}
	}
	for task := range c.data.Presets {
		for _, style := range append(c.styles(task), c.data.DefaultStyles[task]) {
			if _, ok := c.match(task, style, "", false); !ok {
				return fmt.Errorf("choices: there is no model for the task %q of style %q without further conditions", task, style)
			}
		}
	}
	return nil
}

func (r interval) holds(x float64) bool { return x >= r.Min && x <= r.Max }
