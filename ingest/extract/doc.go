// Package extract reads files: text, Markdown, HTML, PDF, DOCX, EPUB, CSV, JSON, JSON lines, source code, and zip archives of
// them. What a file is is told by its content; its name only tells apart what the content does not, such as Markdown from text.
//
// Files come from anywhere. Sizes are bounded before memory is taken, and whatever a file holds, it fails alone.
package extract
