// Package docs_test executes what the documents show.
package docs_test

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A document marks its blocks with comments: "file: PATH" before the content of
// a file that exists only in the document, or is quoted from the tree;
// "output: COMMAND" before what the command prints when those files are there.
var (
	fileMark   = regexp.MustCompile("(?s)<!-- file: (\\S+) -->\n```\\w*\n(.*?)```")
	outputMark = regexp.MustCompile("(?s)<!-- output: ([^\n]+) -->\n```\\w*\n(.*?)```")
	anyBlock   = regexp.MustCompile("(?m)^```\\w")
	plainMark  = regexp.MustCompile("<!-- (file|output|shell|sketch): ")
)

// TestDocumentsAreTrue protects readers: every block of code or output in the
// documents is executed, and compared to the letter but for real times.
func TestDocumentsAreTrue(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the go tool on each document")
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	documents := []string{filepath.Join(root, "README.md")}
	more, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range append(documents, more...) {
		t.Run(filepath.Base(document), func(t *testing.T) { checkDocument(t, root, document) })
	}
}

func checkDocument(t *testing.T, root, document string) {
	data, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	if blocks, marks := len(anyBlock.FindAllString(text, -1)), len(plainMark.FindAllString(text, -1)); blocks != marks {
		t.Errorf("%d blocks with a language, %d marks: a block says file, output, shell or sketch", blocks, marks)
	}
	overlay := writeOverlay(t, root, text)
	scratch := t.TempDir() + string(filepath.Separator) // what is below /tmp stays from command to command
	for _, m := range outputMark.FindAllStringSubmatch(text, -1) {
		command, want := m[1], m[2]
		got := execute(t, root, overlay, strings.ReplaceAll(command, "/tmp/", scratch), text)
		got = strings.ReplaceAll(got, scratch, "/tmp/")
		diff := cmp.Diff(timeless(want), timeless(got))
		switch {
		case diff == "":
		case *update:
			text = strings.Replace(text, m[0], strings.TrimSuffix(m[0], want+"```")+trimLines(got)+"```", 1)
		default:
			t.Errorf("%s prints something else; -update writes it down (-document +now):\n%s", command, diff)
		}
	}
	if text != string(data) {
		if err := os.WriteFile(document, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

var update = flag.Bool("update", false, "write the output of the commands into the documents")

// writeOverlay puts the files of a document into an overlay of the module; one
// that exists in the tree has to be quoted to the letter.
func writeOverlay(t *testing.T, root, text string) string {
	t.Helper()
	folder := t.TempDir()
	replace := make(map[string]string)
	for i, m := range fileMark.FindAllStringSubmatch(text, -1) {
		target := filepath.Join(root, filepath.FromSlash(m[1]))
		if existing, err := os.ReadFile(target); err == nil {
			if !strings.Contains(string(existing), m[2]) {
				t.Errorf("%s does not contain what the document quotes", m[1])
			}
			continue
		}
		copied := filepath.Join(folder, string(rune('a'+i))+".go")
		if err := os.WriteFile(copied, []byte(m[2]), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[target] = copied
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// writeLoose puts the files of a document that belong into no folder, such as a plan of
// faults, to where its commands run.
func writeLoose(t *testing.T, folder, document string) {
	t.Helper()
	for _, m := range fileMark.FindAllStringSubmatch(document, -1) {
		if strings.Contains(m[1], "/") {
			continue
		}
		if err := os.WriteFile(filepath.Join(folder, m[1]), []byte(m[2]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// execute runs a command of a document in the root of the module. "simrun" and
// "simvet" are the programs built from the tree; simrun finds the document's loose files.
func execute(t *testing.T, root, overlay, command, document string) string {
	t.Helper()
	words := strings.Fields(strings.ReplaceAll(command, "'", ""))
	switch words[0] {
	case "go":
		words = append(words[:2:2], append([]string{"-overlay=" + overlay}, words[2:]...)...)
	case "simrun", "simvet":
		program := filepath.Join(t.TempDir(), words[0])
		build := exec.Command("go", "build", "-o", program, "./cmd/"+words[0])
		build.Dir = root
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		words[0] = program
	default:
		t.Fatalf("a document runs %q: only go, simrun and simvet are known", words[0])
	}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = root
	if strings.HasPrefix(command, "simrun ") && words[1] != "mutants" { // needs no source tree, and leaves files
		cmd.Dir = t.TempDir()
		writeLoose(t, cmd.Dir, document)
	}
	cmd.Env = append(os.Environ(), "SIM_SEED=", "SIM_SEEDS=", "SIM_STORY=", "SIM_SHRINK=", "SIM_OUT=")
	out, _ := cmd.CombinedOutput() // failing is what some documents show
	return strings.ReplaceAll(string(out), root+string(filepath.Separator), "")
}

// realTime matches what differs between two runs of the same program.
var realTime = regexp.MustCompile(
	`\(\d+\.\d\ds\)|\t\d+\.\d+s|\t\(cached\)|\d+ runs and [\d.]+ M steps/core-s, [\d.]+(µs|ms|s)|simulated in [\d.]+(µs|ms|s)`)

func timeless(text string) string {
	return realTime.ReplaceAllString(trimLines(text), "~")
}

func trimLines(text string) string {
	return regexp.MustCompile(`(?m)[ \t]+$`).ReplaceAllString(text, "")
}
