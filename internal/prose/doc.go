// Package prose splits texts of any language: into sentences, words and terms. Whatever the bytes are, nothing here fails.
package prose
