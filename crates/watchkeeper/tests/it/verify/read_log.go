// Checks a published log with golang.org/x/mod/sumdb: its tlog and note packages, and nothing of ours.
//
// Usage: read_log FOLDER [OLD-CHECKPOINT]. Prints the number of leaves, or what is wrong.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(what string, err error) {
	if err != nil {
		fmt.Printf("wrong: %s: %v\n", what, err)
		os.Exit(1)
	}
}

// Tiles reads tiles from files.
type tiles string

func (t tiles) Height() int                           { return 8 }
func (t tiles) SaveTiles(_ []tlog.Tile, _ [][]byte)   {}
func (t tiles) ReadTiles(want []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, tile := range want {
		// The specification leaves the height out of the path.
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(string(t), path))
		if err != nil {
			return nil, err
		}
		read = append(read, data)
	}
	return read, nil
}

func checkpoint(path string, key string) tlog.Tree {
	text, err := os.ReadFile(path)
	must("the checkpoint", err)
	verifier, err := note.NewVerifier(strings.TrimSpace(key))
	must("the key", err)
	opened, err := note.Open(text, note.VerifierList(verifier))
	must("the signature", err)
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 3 || lines[0] != verifier.Name() {
		must("the checkpoint", fmt.Errorf("it is of %q", lines[0]))
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must("the size", err)
	root, err := base64.StdEncoding.DecodeString(lines[2])
	must("the root", err)
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	return tree
}

func entries(folder string, size int64) [][]byte {
	var all [][]byte
	for first := int64(0); first < size; first += 256 {
		width := size - first
		if width > 256 {
			width = 256
		}
		tile := tlog.Tile{H: 8, L: -1, N: first / 256, W: int(width)}
		path := strings.Replace(tile.Path(), "tile/8/data/", "tile/entries/", 1)
		data, err := os.ReadFile(filepath.Join(folder, path))
		must("the leaves", err)
		for reader := bytes.NewReader(data); reader.Len() > 0; {
			var length uint16
			must("the leaves", binary.Read(reader, binary.BigEndian, &length))
			line := make([]byte, length)
			_, err := reader.Read(line)
			must("the leaves", err)
			all = append(all, line)
		}
	}
	return all
}

func main() {
	folder := os.Args[1]
	key, err := os.ReadFile(filepath.Join(folder, "key"))
	must("the key", err)
	tree := checkpoint(filepath.Join(folder, "checkpoint"), string(key))
	reader := tlog.TileHashReader(tree, tiles(folder))
	lines := entries(folder, tree.N)
	if int64(len(lines)) != tree.N {
		must("the leaves", fmt.Errorf("%d of %d", len(lines), tree.N))
	}
	for n, line := range lines {
		hash := tlog.RecordHash(line)
		proof, err := tlog.ProveRecord(tree.N, int64(n), reader)
		must(fmt.Sprintf("leaf %d", n), err)
		must(fmt.Sprintf("leaf %d", n), tlog.CheckRecord(proof, tree.N, tree.Hash, int64(n), hash))
	}
	if len(os.Args) > 2 {
		old := checkpoint(os.Args[2], string(key))
		proof, err := tlog.ProveTree(tree.N, old.N, reader)
		must("the old log", err)
		must("the old log", tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash))
	}
	fmt.Println(tree.N)
}
