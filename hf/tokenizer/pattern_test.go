package tokenizer

import (
	"slices"
	"testing"
)

// TestPatterns has what the reference's regular expressions find, where letter case and white space make it hard.
func TestPatterns(t *testing.T) {
	k := newKinds()
	for _, c := range []struct {
		regex, text string
		want        []string
	}{
		{llama3Regex, "I'ſ it'S 'lL'D''s''", []string{"I", "'ſ", " it", "'S", " '", "lL", "'D", "''", "s", "''"}},
		{gpt2Pattern, "I'ſ it'S b'st", []string{"I", "'", "ſ", " it", "'", "S", " b", "'s", "t"}},
		{llama3Regex, "  \n\n x \r\n\t y\u3000\u3000z \n", []string{"  \n\n", " x", " \r\n", "\t", " y", "\u3000", "\u3000z", " \n"}},
		{gpt2Pattern, "  \n\n x \r\n\t y\u3000\u3000z \n", []string{"  \n\n", " x", " \r\n\t", " y", "\u3000", "\u3000", "z", " \n"}},
		{llama3Regex, "１２３４５ ½¾ 12345a", []string{"１２３", "４５", " ", "½¾", " ", "123", "45", "a"}},
		{gpt2Pattern, "１２３４５ ½¾ 12345a", []string{"１２３４５", " ½¾", " 12345", "a"}},
		{llama3Regex, "''' !!!\n\n x'tis", []string{"'''", " !!!\n\n", " x", "'t", "is"}},
		{gpt2Pattern, "''' !!!\n\n x'tis", []string{"'''", " !!!", "\n\n", " x", "'t", "is"}},
	} {
		text := []byte(c.text)
		var got []string
		for i := 0; i < len(text); {
			at, _ := knownPattern(c.regex, k).find(text, i)
			got = append(got, string(text[i:at.end]))
			i = at.end
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}
