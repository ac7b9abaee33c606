// Package tasks is what models are asked to do for people: complete, compare, judge, summarise, translate, embed and
// answer. It decides who does it (a provider, or this process), and asks through hf/gateway.
package tasks
