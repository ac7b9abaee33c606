package reference

import (
	"net/url"
	"strings"

	"go.yaml.in/yaml/v3"
)

// origin stands for the server's address in commands. The page puts in its own where it can.
const origin = "http://127.0.0.1:8080"

// command is a curl line: what stands before the server's address, and after it.
type command struct{ Before, After string }

// curl writes the command that sends an operation's first example.
func (b *builder) curl(method, path string, parameters []*yaml.Node, body, ok *yaml.Node) command {
	flags, more := "-s", ""
	for _, p := range parameters {
		name, value := text(p, "name"), plain(b.exampleOf(p))
		switch {
		case text(p, "in") == "path":
			path = strings.Replace(path, "{"+name+"}", escapePath(value), 1)
		case text(p, "in") == "query" && isTrue(p, "required"):
			flags = "-sG"
			more += " \\\n  --data-urlencode " + shell(name+"="+value)
		}
	}
	kind, data := b.sent(body)
	switch {
	case has(get(ok, "content"), "application/vnd.sqlite3"):
		flags += "OJ" // under the name that the server gives it
	case strings.Contains(compact(get(body, "content")), `"stream":true`):
		flags += "N"
	}
	if method != "GET" && (method != "POST" || data == "") {
		flags += " -X " + method
	}
	if data != "" {
		more += " \\\n  -H " + shell("Content-Type: "+kind) + " \\\n  -d " + shell(data)
	}
	return command{Before: "curl " + flags + " '", After: path + "'" + more}
}

// sent is a body's first example as it is sent, and its type.
func (b *builder) sent(body *yaml.Node) (kind, data string) {
	for kind, media := range members(get(body, "content")) {
		for _, example := range b.examples(media) {
			return kind, example.sent
		}
	}
	return "", ""
}

// exampleOf is a parameter's example: its own, or that of what it is.
func (b *builder) exampleOf(p *yaml.Node) *yaml.Node {
	all := []*yaml.Node{get(p, "example"), get(b.at(p, "schema"), "example")}
	for _, m := range members(get(p, "content")) {
		all = append(all, get(m, "example"))
	}
	for _, n := range all {
		if n != missing {
			return n
		}
	}
	return missing
}

// escapePath leaves slashes, which ids of models have.
func escapePath(s string) string {
	parts := strings.Split(s, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

// shell quotes an argument.
func shell(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
