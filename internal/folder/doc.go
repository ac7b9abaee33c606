// Package folder looks at the files of a folder: which there are that are not ignored, what has become of them since, and
// when to look again. It opens nothing but files below the folder, follows no links and writes nothing.
package folder
