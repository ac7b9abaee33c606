// Package sse reads server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), as servers of models and
// searchd itself send them.
package sse
