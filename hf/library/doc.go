// Package library is the models that a process can run, as hf.Models: the bundled one, which is the default, those that
// lie in the standard Hugging Face cache, and those of a folder.
//
// A model is described from its small files, so that listing costs a few milliseconds, and opened when it is first asked
// for, once, however many ask. The few that were used last stay open. A model that is pulled while the process runs is
// found when somebody asks for it.
package library
