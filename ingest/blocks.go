package ingest

import (
	"cmp"
	"slices"
	"sort"
	"strings"

	"searchd/hf"
)

// block is a part of a text that is of little use in pieces: fenced code, or a table. Its tokens are those from first to
// before next.
type block struct{ first, next int }

// findBlocks finds the blocks of a text that have at most limit tokens, in order: what is longer has to be cut anyway.
func findBlocks(text string, tokens []hf.Token, limit int) []block {
	if !strings.Contains(text, "|") && !strings.Contains(text, "```") && !strings.Contains(text, "~~~") {
		return nil
	}
	var blocks []block
	for _, lines := range append(findFences(text), findTables(text)...) {
		first := sort.Search(len(tokens), func(i int) bool { return tokens[i].Start >= lines[0] })
		next := sort.Search(len(tokens), func(i int) bool { return tokens[i].Start >= lines[1] })
		if next-first > 1 && next-first <= limit {
			blocks = append(blocks, block{first, next})
		}
	}
	slices.SortFunc(blocks, func(a, b block) int { return cmp.Compare(a.first, b.first) })
	return apart(blocks)
}

// apart leaves out blocks that lie in others, as a table does in code.
func apart(blocks []block) []block {
	end := 0
	return slices.DeleteFunc(blocks, func(b block) bool {
		inside := b.first < end
		end = max(end, b.next)
		return inside
	})
}

// findFences finds fenced code as CommonMark has it, as ranges of bytes. A fence that is not closed is none.
func findFences(text string) [][2]int {
	var found [][2]int
	open, start, at := "", 0, 0
	for line := range strings.Lines(text) {
		fence, rest := fenceOf(line)
		switch {
		case open == "" && fence != "" && (fence[0] != '`' || !strings.Contains(rest, "`")):
			open, start = fence, at
		case open != "" && strings.HasPrefix(fence, open) && strings.TrimSpace(rest) == "":
			found = append(found, [2]int{start, at + len(line)})
			open = ""
		}
		at += len(line)
	}
	return found
}

// fenceOf is the fence that a line begins with, and what stands after it.
func fenceOf(line string) (fence, rest string) {
	trimmed := strings.TrimLeft(line, " ")
	if len(line)-len(trimmed) > 3 || trimmed == "" || trimmed[0] != '`' && trimmed[0] != '~' {
		return "", ""
	}
	rest = strings.TrimLeft(trimmed, trimmed[:1])
	if fence = trimmed[:len(trimmed)-len(rest)]; len(fence) < 3 {
		return "", ""
	}
	return fence, rest
}

// findTables finds tables as ranges of bytes: lines that have cells, of which the second rules off the first or all end with
// a border.
func findTables(text string) [][2]int {
	var found [][2]int
	var run []string
	start, at := 0, 0
	end := func() {
		if len(run) > 1 && isTable(run) {
			found = append(found, [2]int{start, at})
		}
		run = run[:0]
	}
	for line := range strings.Lines(text) {
		if trimmed := strings.TrimSpace(line); strings.Contains(trimmed, "|") {
			if len(run) == 0 {
				start = at
			}
			run = append(run, trimmed)
		} else {
			end()
		}
		at += len(line)
	}
	end()
	return found
}

func isTable(lines []string) bool {
	if strings.Contains(lines[1], "-") && strings.Trim(lines[1], "|-: \t") == "" {
		return true
	}
	for _, line := range lines {
		if !strings.HasSuffix(line, "|") {
			return false
		}
	}
	return true
}

// around is the block that a cut before token at would cut in two; the zero block where there is none.
func around(blocks []block, at int) block {
	i := sort.Search(len(blocks), func(i int) bool { return blocks[i].next > at })
	if i < len(blocks) && blocks[i].first < at {
		return blocks[i]
	}
	return block{}
}

// startingAt is the block that begins with a token.
func startingAt(blocks []block, at int) block {
	i := sort.Search(len(blocks), func(i int) bool { return blocks[i].first >= at })
	if i < len(blocks) && blocks[i].first == at {
		return blocks[i]
	}
	return block{}
}
