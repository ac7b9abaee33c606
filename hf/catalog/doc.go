// Package catalog is what searchd knows of models that it was not built with: what each is for, how large it is, on what
// terms it may be used, where it can run and which parameters it takes; and, for a task, which to choose and with what
// settings.
//
// All of it is data in models.json, and a caller may put JSON of the same form over it.
package catalog
