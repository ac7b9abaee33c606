package extract

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"

	readability "codeberg.org/readeck/go-readability/v2"
	"github.com/JohannesKaufmann/html-to-markdown/v2/converter"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/base"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/commonmark"
	mdtable "github.com/JohannesKaufmann/html-to-markdown/v2/plugin/table"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"

	"searchd/internal/prose"
)

// page is an HTML page: its main content, as Markdown, without navigation and advertisements.
type page struct{}

func (page) Extract(_ context.Context, f File, add func(Document) error) error {
	content, err := all(f)
	if err != nil {
		return err
	}
	r, err := charset.NewReader(bytes.NewReader(content), "text/html")
	if err != nil {
		return err
	}
	root, err := html.Parse(io.LimitReader(r, 4*MaxFile))
	if err != nil {
		return err
	}
	if n := depthOf(root); n > maxDepth {
		return fmt.Errorf("has elements %d deep; at most %d are read", n, maxDepth)
	}
	d := Document{Title: titleOf(root), URL: canonical(root)}
	article, err := readability.FromDocument(root, &url.URL{Scheme: "https", Host: "localhost"})
	if err == nil && article.Node != nil {
		if d.Text, err = toMarkdown(article.Node); err != nil {
			return err
		}
	}
	if prose.Words(d.Text) < fewWords { // no article, but a list of links or a form
		if d.Text, err = toMarkdown(root); err != nil {
			return err
		}
	}
	d.Sections = headings(d.Text)
	return add(d)
}

const (
	maxDepth = 500 // of nested elements, which libraries walk by recursion
	fewWords = 25  // below which what was found is not the main content of a page
)

// depthOf is how deep elements are nested, found without recursion.
func depthOf(root *html.Node) int {
	depth, deepest := 0, 0
	for n := root; n != nil; {
		deepest = max(deepest, depth)
		if n.FirstChild != nil {
			n = n.FirstChild
			depth++
			continue
		}
		for n != nil && n.NextSibling == nil {
			n = n.Parent
			depth--
		}
		if n != nil {
			n = n.NextSibling
		}
	}
	return deepest
}

// find is the first element for which is holds, in the order of the page.
func find(root *html.Node, is func(*html.Node) bool) *html.Node {
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && is(n) {
			return n
		}
	}
	return nil
}

func titleOf(root *html.Node) string {
	n := find(root, func(n *html.Node) bool { return n.DataAtom == atom.Title })
	if n == nil || n.FirstChild == nil {
		return ""
	}
	return strings.Join(strings.Fields(n.FirstChild.Data), " ")
}

// canonical is the address that a page gives itself.
func canonical(root *html.Node) string {
	n := find(root, func(n *html.Node) bool { return n.DataAtom == atom.Link && attribute(n, "rel") == "canonical" })
	if n == nil {
		return ""
	}
	if u, err := url.Parse(attribute(n, "href")); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		return u.String()
	}
	return ""
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// toMarkdown keeps headings, lists, tables and code. Of links it keeps the words.
func toMarkdown(root *html.Node) (string, error) {
	content, err := newConverter().ConvertNode(root)
	return string(content), err
}

var newConverter = sync.OnceValue(func() *converter.Converter {
	c := converter.NewConverter(converter.WithEscapeMode(converter.EscapeModeDisabled), converter.WithPlugins(
		base.NewBasePlugin(), commonmark.NewCommonmarkPlugin(commonmark.WithHeadingStyle(commonmark.HeadingStyleATX)), mdtable.NewTablePlugin(),
	))
	inline := func(ctx converter.Context, w converter.Writer, n *html.Node) converter.RenderStatus {
		ctx.RenderChildNodes(ctx, w, n)
		return converter.RenderSuccess
	}
	drop := func(converter.Context, converter.Writer, *html.Node) converter.RenderStatus {
		return converter.RenderSuccess
	}
	c.Register.RendererFor("a", converter.TagTypeInline, func(ctx converter.Context, w converter.Writer, n *html.Node) converter.RenderStatus {
		if n.FirstChild != nil && n.FirstChild == n.LastChild && (n.FirstChild.Data == "¶" || n.FirstChild.Data == "#") {
			return converter.RenderSuccess // the address of a heading
		}
		return inline(ctx, w, n)
	}, converter.PriorityEarly)
	for _, tag := range []string{"em", "i", "strong", "b"} {
		c.Register.RendererFor(tag, converter.TagTypeInline, inline, converter.PriorityEarly)
	}
	for _, tag := range []string{"img", "svg", "nav", "script", "style", "noscript", "template", "head"} {
		c.Register.RendererFor(tag, converter.TagTypeBlock, drop, converter.PriorityEarly)
	}
	return c
})
