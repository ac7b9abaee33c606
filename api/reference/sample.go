package reference

import (
	"cmp"
	"slices"

	"go.yaml.in/yaml/v3"
)

// sample makes a value that meets a schema, with the fields that it must have. Values that the document gives as examples,
// presets or choices are taken from there.
func (b *builder) sample(n *yaml.Node, depth int) *yaml.Node {
	n = b.resolve(n)
	if depth > 8 { // a schema that has itself in it
		return scalar("!!null", "null")
	}
	for _, key := range []string{"example", "default"} {
		if has(n, key) {
			return get(n, key)
		}
	}
	if values := items(get(n, "enum")); len(values) > 0 {
		return values[0]
	}
	if forms := variants(n); len(forms) > 0 {
		return b.sample(forms[0], depth)
	}
	switch {
	case has(n, "items"):
		return &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{b.sample(get(n, "items"), depth+1)}}
	case text(n, "type") == "object" || has(n, "allOf"):
		return b.sampleObject(n, depth)
	case text(n, "type") == "string":
		return sampleString(n)
	case text(n, "type") == "boolean":
		return scalar("!!bool", "true")
	default:
		return scalar("!!int", cmp.Or(text(n, "minimum"), "0"))
	}
}

func (b *builder) sampleObject(n *yaml.Node, depth int) *yaml.Node {
	object := &yaml.Node{Kind: yaml.MappingNode}
	properties, required := b.properties(n)
	for _, p := range properties {
		if slices.Contains(required, p.name) {
			object.Content = append(object.Content, scalar("!!str", p.name), b.sample(p.schema, depth+1))
		}
	}
	return object
}

func sampleString(n *yaml.Node) *yaml.Node {
	switch {
	case text(n, "format") == "date-time":
		return scalar("!!str", "2026-03-01T10:00:00Z")
	case text(n, "pattern") != "": // only names have one
		return scalar("!!str", "default")
	default:
		return scalar("!!str", "…")
	}
}

func scalar(tag, value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
}
