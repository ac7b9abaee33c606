package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// settings is a settings file, laid flat: a command's flag stands below the command's name, or after it with a dash, so
// that serve: {addr: …} and serve-addr: … are the same.
type settings map[string]any

func loadSettings(r io.Reader) (kong.Resolver, error) {
	var tree map[string]any
	if err := yaml.NewDecoder(r).Decode(&tree); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("settings file: %w", err)
	}
	flat := settings{}
	flat.add("", tree)
	return flat, nil
}

func (s settings) add(prefix string, tree map[string]any) {
	for name, value := range tree {
		if below, ok := value.(map[string]any); ok {
			s.add(prefix+name+"-", below)
		} else {
			s[prefix+name] = value
		}
	}
}

// Resolve answers a flag's setting. A variable of the environment goes before it.
func (s settings) Resolve(_ *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil
		}
	}
	return s[settingName(parent.Node(), flag)], nil
}

// Validate refuses a setting that no flag stands behind: a mistyped name would otherwise do nothing, silently.
func (s settings) Validate(app *kong.Application) error {
	known := map[string]bool{}
	err := kong.Visit(app, func(node kong.Visitable, next kong.Next) error {
		if n, ok := node.(*kong.Node); ok {
			for _, flag := range n.Flags {
				known[settingName(n, flag)] = true
			}
		}
		if a, ok := node.(*kong.Application); ok {
			for _, flag := range a.Flags {
				known[flag.Name] = true
			}
		}
		return next(nil)
	})
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if !known[name] {
			return fmt.Errorf("settings file: %q is no setting; settings are named as the flags are", name)
		}
	}
	return err
}

func settingName(n *kong.Node, flag *kong.Flag) string {
	name := flag.Name
	for ; n != nil && n.Type != kong.ApplicationNode; n = n.Parent {
		name = n.Name + "-" + name
	}
	return strings.ToLower(name)
}
