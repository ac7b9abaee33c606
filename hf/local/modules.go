package local

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"searchd/hf/encoder"
	"searchd/hf/safetensors"
)

// readPooling reads how the tokens' vectors become one.
func (l *layout) readPooling(fsys fs.FS) error {
	if l.pooling == "" {
		return nil
	}
	name := path.Join(l.pooling, configFile)
	var c map[string]any
	if err := needJSON(fsys, name, &c); err != nil {
		return err
	}
	modes := poolingModes(c)
	if len(modes) != 1 {
		return fmt.Errorf("%s: pooling is %q; one mode is supported, not several", name, modes)
	}
	for _, known := range []encoder.Pooling{encoder.Mean, encoder.CLS, encoder.Max, encoder.Last} {
		if modes[0] == known.String() {
			l.output.Pooling = known
			return l.checkPrompts(name, c)
		}
	}
	return fmt.Errorf("%s: pooling is %q; \"mean\", \"cls\", \"max\" and \"lasttoken\" are supported", name, modes[0])
}

// checkPrompts refuses the one use of prompts that the encoder does not know: read, but left out of the pooling.
func (l *layout) checkPrompts(name string, c map[string]any) error {
	if c["include_prompt"] == false && len(l.prompts) > 0 {
		return fmt.Errorf("%s: include_prompt is false; pooling without the prompt is not supported", name)
	}
	return nil
}

// poolingModes lists the modes that are switched on, under either spelling of the file; neither means the mean.
func poolingModes(c map[string]any) []string {
	var modes []string
	switch m := c["pooling_mode"].(type) {
	case nil:
	case []any:
		for _, mode := range m {
			modes = append(modes, fmt.Sprint(mode))
		}
	default:
		return []string{fmt.Sprint(m)}
	}
	for _, old := range []string{"cls_token", "max_tokens", "mean_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken"} {
		if c["pooling_mode"] == nil && c["pooling_mode_"+old] == true {
			modes = append(modes, strings.TrimSuffix(strings.TrimSuffix(old, "_tokens"), "_token"))
		}
	}
	if len(modes) == 0 {
		return []string{encoder.Mean.String()}
	}
	return modes
}

// dense is a Dense module: its folder, and what the config there says.
type dense struct {
	folder     string
	In         int    `json:"in_features"`
	Out        int    `json:"out_features"`
	Bias       bool   `json:"bias"`
	Activation string `json:"activation_function"` // a class of torch
	Input      string `json:"module_input_name"`
	Residual   bool   `json:"use_residual"`
}

// maxFeatures bounds the sides of a dense layer.
const maxFeatures = 64 << 10

func (l *layout) readDense(fsys fs.FS) error {
	for i := range l.dense {
		d := &l.dense[i]
		d.Bias, d.Activation, d.Input = true, "Tanh", "sentence_embedding" // the defaults of the class
		name := path.Join(d.folder, configFile)
		if err := needJSON(fsys, name, d); err != nil {
			return err
		}
		switch {
		case d.In < 1 || d.In > maxFeatures || d.Out < 1 || d.Out > maxFeatures:
			return fmt.Errorf("%s: in_features %d and out_features %d must lie between 1 and %d", name, d.In, d.Out, maxFeatures)
		case d.Residual:
			return fmt.Errorf("%s: use_residual is not supported", name)
		case d.Input != "sentence_embedding":
			return fmt.Errorf("%s: module_input_name is %.100q; only \"sentence_embedding\" is supported", name, d.Input)
		}
	}
	return nil
}

// open reads the layer's weights from the bytes of their file.
func (d *dense) open(weights []byte) (*encoder.Dense, error) {
	name := path.Join(d.folder, weightsFile)
	file, err := safetensors.Parse(weights)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	class := d.Activation[strings.LastIndexByte(d.Activation, '.')+1:]
	layer, err := encoder.NewDense(file, "linear", d.In, d.Out, d.Bias, strings.ToLower(class))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return layer, nil
}

// needJSON decodes a file that must be there.
func needJSON(fsys fs.FS, name string, into any) error {
	found, err := readJSON(fsys, name, into)
	if err == nil && !found {
		err = fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return err
}
