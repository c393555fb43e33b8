// Checks a b3-ledger checkpoint, and a backup or published tiles against it, with Go's own note and tlog packages.
//
//	go run verify_checkpoint.go VKEY CHECKPOINT ARCHIVE|FOLDER
//
// No code of b3-ledger is used, and no BLAKE3: a leaf is the event's seq, its link as stored, and the SHA-256 of its body.
// Prints one line; exits 0 when everything is what was signed, 1 otherwise. Bytes: docs/format.md, "Checkpoint".
package main

import (
	"bytes"
	"crypto/sha256"
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

const header = "b3-ledger archive 1\n"

type folder string // of published tiles: C2SP's paths, which differ from Go's by the height

func (f folder) Height() int                     { return 8 }
func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}
func (f folder) ReadTiles(tiles []tlog.Tile) (data [][]byte, err error) {
	for _, tile := range tiles {
		path := strings.Replace(strings.TrimPrefix(tile.Path(), "tile/8/"), "data/", "entries/", 1)
		content, err := os.ReadFile(filepath.Join(string(f), "tile", path))
		if err != nil {
			return nil, err
		}
		data = append(data, content)
	}
	return data, nil
}

func main() {
	content, verifier := must(os.ReadFile(os.Args[2])), must(note.NewVerifier(strings.TrimSpace(os.Args[1])))
	signed := must(note.Open(content, note.VerifierList(verifier)))
	lines := strings.Split(signed.Text, "\n") // origin, size, root: tlog.ParseTree takes no origin but Go's
	size, root := must(strconv.ParseInt(lines[1], 10, 64)), must(base64.StdEncoding.DecodeString(lines[2]))
	tree := tlog.Tree{N: size, Hash: tlog.Hash(*(*[32]byte)(root))}
	info := must(os.Stat(os.Args[3]))
	if info.IsDir() {
		checkTiles(folder(os.Args[3]), tree)
	} else {
		checkArchive(must(os.ReadFile(os.Args[3])), tree)
	}
	fmt.Printf("good: %d events of %s, signed by %s\n", size, lines[0], verifier.Name())
}

// checkTiles reads every leaf from the bundles, and its hash from tiles that lead to the signed root.
func checkTiles(dir folder, tree tlog.Tree) {
	reader := tlog.TileHashReader(tree, dir)
	for first := int64(0); first < tree.N; first += 256 {
		width := min(256, tree.N-first)
		bundle := must(dir.ReadTiles([]tlog.Tile{{H: 8, L: -1, N: first / 256, W: int(width)}}))[0]
		expect(len(bundle) == int(74*width), "a bundle of another length at seq", first)
		for seq := first; seq < first+width; seq++ {
			leaf := bundle[74*(seq-first):][2:74]
			hash := must(reader.ReadHashes([]int64{tlog.StoredHashIndex(0, seq)}))[0]
			expect(hash == tlog.RecordHash(leaf), "another leaf at seq", seq)
		}
	}
}

// checkArchive makes the tree again from a backup's frames: u32 length, link, body.
func checkArchive(archive []byte, tree tlog.Tree) {
	expect(bytes.HasPrefix(archive, []byte(header)), "no archive:", os.Args[3])
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) (hashes []tlog.Hash, err error) {
		for _, index := range indexes {
			hashes = append(hashes, stored[index])
		}
		return hashes, nil
	})
	rest := archive[len(header):]
	for seq := int64(0); seq < tree.N; seq++ {
		expect(len(rest) >= 36, "the end of the archive at seq", seq)
		length := int(binary.BigEndian.Uint32(rest))
		expect(len(rest) >= 36+length, "a cut frame at seq", seq)
		digest := sha256.Sum256(rest[36 : 36+length])
		leaf := append(binary.BigEndian.AppendUint64(nil, uint64(seq)), rest[4:36]...)
		stored = append(stored, must(tlog.StoredHashes(seq, append(leaf, digest[:]...), reader))...)
		rest = rest[36+length:]
	}
	expect(must(tlog.TreeHash(tree.N, reader)) == tree.Hash, "another root over events below", tree.N)
}

func min(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
}

func expect(holds bool, what ...any) {
	if !holds {
		fmt.Println(append([]any{"bad:"}, what...)...)
		os.Exit(1)
	}
}

func must[T any](value T, err error) T {
	expect(err == nil, err)
	return value
}
