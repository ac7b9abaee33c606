package hub

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"searchd/models"
)

// The small files that say how a model works and what may be done with it.
var (
	small = regexp.MustCompile(`^(config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|sentence_[\w-]{1,32}_config)\.json$` +
		`|^(vocab|merges)\.txt$|^(sentencepiece\.bpe|spiece|tokenizer)\.model$`)
	topOnly = regexp.MustCompile(`^(modules\.json|config_sentence_transformers\.json|README\.md|LICEN[CS]E(\.\w{1,3})?)$`)
	module  = regexp.MustCompile(`^\d{1,2}_\w{1,64}$`)
	shard   = regexp.MustCompile(`^model-\d{5}-of-\d{5}\.safetensors$`)
)

const (
	weightsFile = "model.safetensors"
	shardIndex  = "model.safetensors.index.json"
	pickleFile  = "pytorch_model.bin"
	configFile  = "config.json"
)

// Select picks the files that a model needs to run from all that its repository has: of several forms of the same weights
// only the best, and nothing for other runtimes. The order is that of names, weights last.
func Select(names []string) ([]string, error) {
	byFolder := map[string][]string{}
	for _, name := range names {
		if dir, base := path.Split(name); dir == "" || module.MatchString(strings.TrimSuffix(dir, "/")) {
			byFolder[dir] = append(byFolder[dir], base)
		}
	}
	var light, heavy []string
	for dir, files := range byFolder {
		for _, file := range files {
			if small.MatchString(file) || dir == "" && topOnly.MatchString(file) {
				light = append(light, dir+file)
			}
		}
		for _, file := range weights(files) {
			heavy = append(heavy, dir+file)
		}
	}
	slices.Sort(light)
	slices.Sort(heavy)
	switch {
	case !slices.ContainsFunc(light, func(name string) bool { return path.Base(name) == configFile }):
		return nil, models.Errorf(models.Unavailable, "model", "its repository has no config.json, so it is no model of the transformers library; choose another")
	case len(heavy) == 0:
		return nil, models.Errorf(models.Unavailable, "model", "its repository has neither %s nor %s; choose a model that is published in one of these forms", weightsFile, pickleFile)
	}
	return append(light, heavy...), nil
}

// weights picks the files of the best form that a folder has.
func weights(files []string) []string {
	if slices.Contains(files, weightsFile) {
		return []string{weightsFile}
	}
	if slices.Contains(files, shardIndex) {
		parts := slices.DeleteFunc(slices.Clone(files), func(name string) bool { return !shard.MatchString(name) })
		return append(parts, shardIndex)
	}
	if slices.Contains(files, pickleFile) {
		return []string{pickleFile}
	}
	return nil
}

func isWeights(name string) bool {
	base := path.Base(name)
	return base == weightsFile || base == pickleFile || base == shardIndex || shard.MatchString(base)
}
