package web

import (
	"embed"
	"io/fs"
)

//go:embed page
var files embed.FS

// FS has index.html at its root, and beside it all that index.html loads as /assets/NAME.
var FS = page()

func page() fs.FS {
	sub, err := fs.Sub(files, "page")
	if err != nil { // only for a path that is not valid
		panic(err)
	}
	return sub
}
