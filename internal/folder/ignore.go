package folder

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
)

// IgnoreFile names files with patterns of what is passed over in their folder and below it, as .gitignore has them.
const IgnoreFile = ".searchdignore"

// defaults come first, so that an ignore file can take them back with !.
var defaults = []string{
	".*",                                 // hidden
	"~$*", "*~", "#*#", "*.swp", "*.swo", // open in an editor
	"*.tmp", "*.temp", "*.part", "*.partial", "*.crdownload", "*.download", // on their way
	"Thumbs.db", "desktop.ini", "$RECYCLE.BIN/", "System Volume Information/",
	"node_modules/", "__pycache__/",
}

// Limits of an ignore file. A pattern with many stars takes long to match.
const (
	maxIgnoreBytes   = 64 << 10
	maxIgnorePattern = 1 << 10
	maxIgnoreStars   = 16
)

// parseIgnore reads the patterns of a folder, whose path is below.
func parseIgnore(content []byte, below []string) ([]gitignore.Pattern, error) {
	var list []gitignore.Pattern
	lines := bufio.NewScanner(bytes.NewReader(content))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimPrefix(strings.TrimSuffix(lines.Text(), "\r"), "\ufeff")
		if !strings.HasSuffix(line, `\ `) {
			line = strings.TrimRight(line, " ")
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if len(line) > maxIgnorePattern || strings.Count(line, "*") > maxIgnoreStars {
			return nil, fmt.Errorf("line %d: the pattern is too long, or has too many stars", n)
		}
		// The library matches \# and \! as filepath.Match does on Unix, but takes the backslash of Windows for itself.
		if strings.HasPrefix(line, `\#`) || strings.HasPrefix(line, `\!`) {
			line = "[" + line[1:2] + "]" + line[2:]
		}
		if _, err := filepath.Match(strings.TrimPrefix(line, "!"), ""); err != nil {
			return nil, fmt.Errorf("line %d: %q is no pattern: %w", n, line, err)
		}
		list = append(list, gitignore.ParsePattern(line, below))
	}
	return list, lines.Err()
}

func defaultPatterns() []gitignore.Pattern {
	list := make([]gitignore.Pattern, len(defaults))
	for i, line := range defaults {
		list[i] = gitignore.ParsePattern(line, nil)
	}
	return list
}

// readIgnore reads the ignore file of a folder, if there is one.
func readIgnore(root *os.Root, dir string, below []string) ([]gitignore.Pattern, error) {
	name := filepath.Join(dir, IgnoreFile)
	info, err := root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case info.Size() > maxIgnoreBytes:
		return nil, fmt.Errorf("%s: has %d bytes; at most %d are read", name, info.Size(), maxIgnoreBytes)
	}
	content, err := root.ReadFile(name)
	if err != nil {
		return nil, err
	}
	patterns, err := parseIgnore(content, below)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return patterns, nil
}
