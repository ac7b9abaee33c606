package catalog

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"searchd/models"
)

// Request is what is known of a piece of work when a model is chosen.
type Request struct {
	Task    string // "conversation", "summarization", "sentiment", "code", "creative"
	Text    string // what the model will read; only its length counts
	Quality string // "basic" or "premium"; empty leaves the tokens to the task's preset, and chooses as basic does
	Style   string // "news" or "general", "social" or "general", "generation" or "analysis"; empty is the task's default
}

// Choice is a model and how to ask it.
type Choice struct {
	Model       string
	Reason      string // why, in a word: "long", "premium", "news"
	Temperature float64
	MaxTokens   int
}

// Choose picks the model for a request: by style, quality and length, as the catalogue's rules say. The temperature is
// the task's; so is the number of tokens, unless a quality is named.
//
// A text is long over long_characters, counted in code points. The error is a *models.Error about task_type, quality or
// style.
func (c *Catalog) Choose(r Request) (Choice, error) {
	preset, ok := c.data.Presets[r.Task]
	if !ok {
		return Choice{}, models.Errorf(models.Invalid, "task_type", "%q is not a task: it is one of %s", clip(r.Task), list(maps.Keys(c.data.Presets)))
	}
	if r.Quality != "" {
		q, ok := c.data.Qualities[r.Quality]
		if !ok {
			return Choice{}, models.Errorf(models.Invalid, "quality", "%q is not a quality: it is one of %s", clip(r.Quality), list(maps.Keys(c.data.Qualities)))
		}
		preset.MaxTokens = q.MaxTokens
	}
	if r.Style == "" {
		r.Style = c.data.DefaultStyles[r.Task]
	} else if styles := c.styles(r.Task); !slices.Contains(styles, r.Style) {
		return Choice{}, models.Errorf(models.Invalid, "style", "%q is not a style of %s, which has %s", clip(r.Style), r.Task, list(slices.Values(styles)))
	}
	long := utf8.RuneCountInString(r.Text) > c.data.LongCharacters
	rule, _ := c.match(r.Task, r.Style, r.Quality, long) // checked when loaded: there is one
	return Choice{Model: rule.Model, Reason: rule.Reason, Temperature: preset.Temperature, MaxTokens: preset.MaxTokens}, nil
}

// match is the first rule that holds.
func (c *Catalog) match(task, style, quality string, long bool) (choice, bool) {
	i := slices.IndexFunc(c.data.Choices, func(r choice) bool {
		return r.Task == task && (r.Style == "" || r.Style == style) && (r.Quality == "" || r.Quality == quality) && (!r.Long || long)
	})
	if i < 0 {
		return choice{}, false
	}
	return c.data.Choices[i], true
}

// Remedy says what to do about a model that hosted Hugging Face does not serve.
func (c *Catalog) Remedy(model string) string {
	m, ok := c.Model(model)
	if !ok {
		return "check its name, or run it on a server of your own and add that as a provider"
	}
	var served []string
	for _, other := range c.All(m.Task) {
		if other.RunsAt(Router) && other.ID != model {
			served = append(served, other.ID)
		}
	}
	other := "a model that it serves as `model`, such as " + strings.Join(served, " or ")
	if len(served) == 0 {
		other = "a chat model that its router serves as `model`, or as the provider's default_model"
	}
	return m.elsewhere() + "; or name " + other
}

// Preset is how a task is usually asked for.
func (c *Catalog) Preset(task string) (Preset, bool) {
	p, ok := c.data.Presets[task]
	return p, ok
}

func (c *Catalog) styles(task string) []string {
	var out []string
	for _, r := range c.data.Choices {
		if r.Task == task && r.Style != "" && !slices.Contains(out, r.Style) {
			out = append(out, r.Style)
		}
	}
	return out
}

// list names things in a message, in order.
func list(names func(func(string) bool)) string {
	sorted := slices.Sorted(names)
	if len(sorted) == 0 {
		return "none"
	}
	return strings.Join(sorted, ", ")
}

// clip keeps what somebody sent short enough for a message.
func clip(s string) string {
	if r := []rune(s[:min(len(s), 400)]); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
