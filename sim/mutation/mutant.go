package mutation

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/tools/txtar"
)

// Mutant is one planted bug.
type Mutant struct {
	// Name is the name of its file.
	Name string
	// Doc says in one sentence what is wrong.
	Doc string
	// Scenarios are tried in this order.
	Scenarios []string
	// Repeats runs each seed twice: a seed that does not repeat counts as found.
	Repeats bool
	// File is the path of the file, with slashes, from the root of the module.
	File string
	// Old is replaced by New. It has to occur exactly once in the file.
	Old, New string
}

// ErrMutant is wrapped by the errors about mutants that can not be used.
var ErrMutant = errors.New("mutation: mutant")

// Room returns the topmost folder of the mutant's file.
func (m Mutant) Room() string {
	room, _, _ := strings.Cut(m.File, "/")
	return room
}

// Load reads the mutants of a file system: the files *.txtar, each with the lines
// "doc:", "file:" and "scenarios:", and the sections "old" and "new". The line "repeats: yes"
// is for bugs that no single run can see.
func Load(files fs.FS) ([]Mutant, error) {
	names, err := fs.Glob(files, "*.txtar")
	if err != nil {
		return nil, err
	}
	var all []Mutant
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		m, err := Parse(strings.TrimSuffix(path.Base(name), ".txtar"), data)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// Parse reads the file of one mutant.
func Parse(name string, data []byte) (Mutant, error) {
	m := Mutant{Name: name}
	archive := txtar.Parse(data)
	for line := range strings.Lines(string(archive.Comment)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "doc":
			m.Doc = value
		case "file":
			m.File = value
		case "scenarios":
			m.Scenarios = strings.Fields(value)
		case "repeats":
			if m.Repeats = value == "yes"; !m.Repeats && value != "no" {
				return m, fmt.Errorf("%w %s: repeats is %q, and not yes or no", ErrMutant, name, value)
			}
		case "":
		default:
			return m, fmt.Errorf("%w %s: unknown line %q", ErrMutant, name, line)
		}
	}
	for _, section := range archive.Files {
		switch section.Name {
		case "old":
			m.Old = string(section.Data)
		case "new":
			m.New = string(section.Data)
		default:
			return m, fmt.Errorf("%w %s: unknown section %q", ErrMutant, name, section.Name)
		}
	}
	if m.Doc == "" || m.File == "" || len(m.Scenarios) == 0 || m.Old == "" || m.Old == m.New {
		return m, fmt.Errorf("%w %s: it needs doc, file, scenarios, and two sections that differ", ErrMutant, name)
	}
	return m, nil
}

// Apply returns the text of the mutant's file with the edit.
func (m Mutant) Apply(text string) (string, error) {
	if n := strings.Count(text, m.Old); n != 1 {
		return "", fmt.Errorf("%w %s: its old lines occur %d times in %s", ErrMutant, m.Name, n, m.File)
	}
	return strings.Replace(text, m.Old, m.New, 1), nil
}

// writeOverlay writes an overlay for the Go tool into a folder.
func (m Mutant) writeOverlay(root, folder string) (string, error) {
	target := filepath.Join(root, filepath.FromSlash(m.File))
	text, err := os.ReadFile(target)
	if err != nil {
		return "", fmt.Errorf("%w %s: %w", ErrMutant, m.Name, err)
	}
	mutated, err := m.Apply(string(text))
	if err != nil {
		return "", err
	}
	source := filepath.Join(folder, "mutated.go")
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {target: source}})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(source, []byte(mutated), 0o600); err != nil {
		return "", err
	}
	file := filepath.Join(folder, "overlay.json")
	return file, os.WriteFile(file, overlay, 0o600)
}
