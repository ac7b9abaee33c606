package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestCommandsOfTheDocuments looks up what the text of a document names in passing: commands and flags of searchd, targets of
// make, tests, scripts. What is in the blocks is run.
func TestCommandsOfTheDocuments(t *testing.T) {
	seen := 0
	for _, d := range documents(t) {
		for _, code := range d.spans {
			switch err := findCommand(d.path, code); {
			case err == nil:
				seen++
			case !errors.Is(err, errNoCommand):
				t.Errorf("%s: %s: %v", d.path, code, err)
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d commands were found", seen)
	}
}

// errNoCommand is of what stands in code and is nothing to call.
var errNoCommand = errors.New("is not a command that can be looked up")

// findCommand looks up what a command of a document names, without running it.
func findCommand(document, line string) error {
	line = strings.Join(strings.Fields(strings.Split(line, " #")[0]), " ")
	line = variable.ReplaceAllString(line, "")
	words := strings.Fields(strings.Map(withoutBrackets, line))
	switch {
	case len(words) < 2:
		return errNoCommand
	case words[0] == "searchd":
		return findInSearchd(words[1:])
	case words[0] == "make":
		return oneOf(words[1], `(?m)^`+regexp.QuoteMeta(words[1])+`:`, "Makefile")
	case words[0] == "go" && words[1] == "test":
		return findTest(words[2:])
	case words[0] == "bench/run.sh":
		return findInBench(words[1:])
	case words[0] == "python3" || words[0] == "bash":
		_, err := os.Stat(filepath.Join(root, words[1]))
		_, beside := os.Stat(filepath.Join(root, filepath.Dir(document), words[1]))
		if beside == nil {
			return nil
		}
		return err
	case words[0] == "pip":
		return nil
	}
	return errNoCommand
}

// variable is one that is set for a command.
var variable = regexp.MustCompile(`^([A-Z_]+=\S+ )+`)

// withoutBrackets leaves out what says that a part may be left out.
func withoutBrackets(r rune) rune {
	if strings.ContainsRune("[]|", r) {
		return ' '
	}
	return r
}

// findInSearchd finds the command and each flag.
func findInSearchd(words []string) error {
	parser, err := kong.New(&cli{}, kong.DefaultEnvars("SEARCHD"), kong.Vars{"log": "info"})
	if err != nil {
		return err
	}
	node := parser.Model.Node
	for _, word := range words {
		i := slices.IndexFunc(node.Children, func(child *kong.Node) bool { return child.Name == word })
		if i < 0 {
			break
		}
		node = node.Children[i]
	}
	if node == parser.Model.Node && !strings.HasPrefix(words[0], "-") {
		return fmt.Errorf("there is no command %s", words[0])
	}
	for _, word := range words {
		name, _, _ := strings.Cut(strings.TrimPrefix(word, "--"), "=")
		known := func(flag *kong.Flag) bool { return flag.Name == name || word == "-"+string(flag.Short) }
		if strings.HasPrefix(word, "-") && word != "-…" && word != "-" && !slices.ContainsFunc(slices.Concat(node.AllFlags(false)...), known) {
			return fmt.Errorf("there is no flag %s", word)
		}
	}
	return nil
}

// findTest finds the packages, and a test or benchmark that -run or -bench means.
func findTest(words []string) error {
	var files []string
	for _, word := range words {
		if strings.HasPrefix(word, "./") && !strings.HasSuffix(word, "...") {
			found, err := filepath.Glob(filepath.Join(root, word, "*_test.go"))
			if err != nil || len(found) == 0 {
				return fmt.Errorf("there are no tests in %s", word)
			}
			files = append(files, found...)
		}
	}
	for i, word := range words[:max(0, len(words)-1)] {
		kind := map[string]string{"-run": "(Test|Example)", "-bench": "Benchmark"}[word]
		if name := strings.Trim(words[i+1], "'"); kind != "" && name != "^$" {
			if err := oneOf(name, `(?m)^func `+kind+`\w*`+name, files...); err != nil {
				return err
			}
		}
	}
	return nil
}

// findInBench finds the command and each flag in the program that measures, which is a module of its own.
func findInBench(words []string) error {
	files, err := filepath.Glob(filepath.Join(root, "bench/*.go"))
	if err != nil {
		return err
	}
	for i, word := range words {
		name, isFlag := strings.CutPrefix(word, "--")
		if i > 0 && !isFlag {
			continue // a value
		}
		tag := `help:`
		if i == 0 {
			tag = `cmd:`
		}
		if err := oneOf(word, `(?m)^\t`+strings.ToUpper(name[:1])+name[1:]+"\\s.*`"+tag, files...); err != nil {
			return err
		}
	}
	return nil
}

// oneOf looks for a pattern in files below the root.
func oneOf(name, pattern string, files ...string) error {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return err
	}
	for _, file := range files {
		if !strings.HasPrefix(file, root) {
			file = filepath.Join(root, file)
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if re.Match(content) {
			return nil
		}
	}
	return fmt.Errorf("there is no %s", name)
}
