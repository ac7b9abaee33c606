// Package web is the page that the server shows at /: plain HTML, CSS and ES modules, embedded as they are written.
//
// There is no build step and no request to anywhere but the server that the page came from. Files below page/ are one
// idea each. The server puts page/base.css and page/start.js into the page itself, for the first frame; when that is
// there, page/start.js loads page/main.js, which has what all views share and loads a view's module when it is first
// opened. Text of documents goes into the page as text nodes only (page/dom.js), so a document can never bring markup
// or a script with it.
package web
