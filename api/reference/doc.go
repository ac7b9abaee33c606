// Package reference makes a page for people of an OpenAPI document: every operation with its parameters, bodies, answers
// and a command to try it.
//
// It is a pure function of the document's bytes, and knows as much of OpenAPI 3.0 and of Markdown as ours uses. What it
// cannot resolve is an error, never a gap in the page. The order is that of the document.
package reference
