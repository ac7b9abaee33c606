package reference

import (
	"encoding/json"
	"fmt"
	"iter"
	"strings"

	"go.yaml.in/yaml/v3"
)

// source is the document as YAML has it. A map would lose the order in which things are told.
type source struct {
	root *yaml.Node
	err  error // the first $ref that leads nowhere
}

func parse(document []byte) (*source, error) {
	var file yaml.Node
	if err := yaml.Unmarshal(document, &file); err != nil {
		return nil, fmt.Errorf("read the document: %w", err)
	}
	if len(file.Content) == 0 {
		return nil, fmt.Errorf("the document is empty")
	}
	return &source{root: file.Content[0]}, nil
}

// missing stands for what is not there, so that nobody has to ask.
var missing = &yaml.Node{}

// members are the fields of an object in their order: its own, then those it is merged with.
func members(n *yaml.Node) iter.Seq2[string, *yaml.Node] {
	return func(yield func(string, *yaml.Node) bool) { walk(n, map[string]bool{}, yield) }
}

func walk(n *yaml.Node, seen map[string]bool, yield func(string, *yaml.Node) bool) bool {
	n = unalias(n)
	if n.Kind != yaml.MappingNode {
		return true
	}
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Value
		switch {
		case key == "<<":
			merged = append(merged, n.Content[i+1])
		case !seen[key]:
			seen[key] = true
			if !yield(key, n.Content[i+1]) {
				return false
			}
		}
	}
	for _, other := range merged {
		if !walk(other, seen, yield) {
			return false
		}
	}
	return true
}

func unalias(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// get is the member of that name as it stands, which may be a $ref.
func get(n *yaml.Node, key string) *yaml.Node {
	for name, value := range members(n) {
		if name == key {
			return value
		}
	}
	return missing
}

func text(n *yaml.Node, key string) string { return unalias(get(n, key)).Value }

func isTrue(n *yaml.Node, key string) bool { return text(n, key) == "true" }

func has(n *yaml.Node, key string) bool { return get(n, key) != missing }

// items are the elements of a list.
func items(n *yaml.Node) []*yaml.Node {
	if n = unalias(n); n.Kind == yaml.SequenceNode {
		return n.Content
	}
	return nil
}

// refName is the last part of a $ref, the name of what it leads to; empty for anything else.
func refName(n *yaml.Node) string {
	ref := text(n, "$ref")
	return ref[strings.LastIndex(ref, "/")+1:]
}

// resolve follows a $ref to what it stands for.
func (s *source) resolve(n *yaml.Node) *yaml.Node {
	n = unalias(n)
	for range 10 { // more would be a circle
		ref := text(n, "$ref")
		if ref == "" {
			return n
		}
		n = s.root
		for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			n = unalias(get(n, part))
		}
		if n == missing {
			s.fail("%s leads nowhere", ref)
			return missing
		}
	}
	s.fail("a $ref leads to itself")
	return missing
}

func (s *source) at(n *yaml.Node, key string) *yaml.Node { return s.resolve(get(n, key)) }

func (s *source) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf(format, args...)
	}
}

// compact is a value as JSON in one line, its fields in the document's order.
func compact(n *yaml.Node) string { return inline(n, "") }

// inline is compact with space after each comma and colon.
func inline(n *yaml.Node, space string) string {
	n = unalias(n)
	var parts []string
	switch n.Kind {
	case yaml.MappingNode:
		for name, value := range members(n) {
			parts = append(parts, quoted(name)+":"+space+inline(value, space))
		}
		return "{" + strings.Join(parts, ","+space) + "}"
	case yaml.SequenceNode:
		for _, item := range n.Content {
			parts = append(parts, inline(item, space))
		}
		return "[" + strings.Join(parts, ","+space) + "]"
	}
	switch n.ShortTag() {
	case "!!int", "!!float", "!!bool", "!!null":
		return n.Value
	}
	return quoted(n.Value)
}

func quoted(s string) string {
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false) // the template does that
	_ = e.Encode(s)        // a string can always be encoded, and a Builder written to
	return strings.TrimSuffix(out.String(), "\n")
}

// pretty is an example to be read: text as it is, all else as JSON, in one line where that is short.
func pretty(n *yaml.Node) string {
	if n = unalias(n); n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" {
		return strings.TrimRight(n.Value, "\n")
	}
	return indented(n, "", 72)
}

// indented puts what does not fit into a line of that width on several.
func indented(n *yaml.Node, indent string, width int) string {
	n = unalias(n)
	line := inline(n, " ")
	if n.Kind == yaml.ScalarNode || len(indent)+len(line) <= width {
		return line
	}
	inner, open, end := indent+"  ", "[", "]"
	var parts []string
	if n.Kind == yaml.MappingNode {
		open, end = "{", "}"
		for name, value := range members(n) {
			parts = append(parts, inner+quoted(name)+": "+indented(value, inner, width-len(name)-4))
		}
	} else {
		for _, item := range n.Content {
			parts = append(parts, inner+indented(item, inner, width))
		}
	}
	return open + "\n" + strings.Join(parts, ",\n") + "\n" + indent + end
}
