// Package member is what the members of ../../README.md have in common: their arguments, the lines
// that they print, and the commands that they obey.
package member

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Member is what a command asks of a client.
type Member interface {
	// Commit commits what comes after the records that were told.
	Commit() error
	// Quit leaves the group.
	Quit() error
}

// Args are those of the command line.
type Args struct {
	Bootstrap  string
	Topics     []string
	properties map[string]string
}

// Parse ends the program if there is a property that is not among known.
func Parse(known ...string) Args {
	if len(os.Args) < 3 {
		Die("usage: BOOTSTRAP [PROPERTY=VALUE ...] TOPIC ...")
	}
	a := Args{Bootstrap: os.Args[1], properties: map[string]string{}}
	for _, word := range os.Args[2:] {
		name, value, found := strings.Cut(word, "=")
		switch {
		case !found:
			a.Topics = append(a.Topics, word)
		case slices.Contains(known, name):
			a.properties[name] = value
		default:
			Die("no such property: " + name)
		}
	}
	return a
}

// Get is the property's value, or "".
func (a Args) Get(name string) string {
	return a.properties[name]
}

// Milliseconds is the time that the property tells, if it is there.
func (a Args) Milliseconds(name string) (time.Duration, bool) {
	text, found := a.properties[name]
	if !found {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		Die(name + ": " + err.Error())
	}
	return time.Duration(n) * time.Millisecond, true
}

// Die is for what is not the broker's fault.
func Die(why string) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(2)
}

// ---- what is told ----

var out sync.Mutex

// Tell prints a line.
func Tell(words ...string) {
	out.Lock()
	defer out.Unlock()
	os.Stdout.WriteString(strings.ReplaceAll(strings.Join(words, " "), "\n", " ") + "\n")
}

// Error tells of something that went wrong by itself.
func Error(err error) {
	Tell("error", err.Error())
}

// Place is a partition's.
func Place(topic string, partition int32) string {
	return fmt.Sprintf("%s:%d", topic, partition)
}

// Changed tells that partitions came or went, if there are any.
func Changed(how string, partitions map[string][]int32) {
	words := []string{how}
	for topic, numbers := range partitions {
		for _, n := range numbers {
			words = append(words, Place(topic, n))
		}
	}
	if len(words) > 1 {
		Tell(words...)
	}
}

// Record tells that a record was read.
func Record(topic string, partition int32, offset int64) {
	Tell("record", fmt.Sprintf("%s@%d", Place(topic, partition), offset))
}

// ---- commands ----

// Obey does what stdin says until it says "quit" or, which is the same, ends.
func Obey(m Member) {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		name := in.Text()
		switch name {
		case "commit":
			done(name, m.Commit())
		case "quit":
			done(name, m.Quit())
			return
		default:
			Die("no such command: " + name)
		}
	}
	done("quit", m.Quit())
}

func done(name string, err error) {
	if err != nil {
		Tell("done", name, err.Error())
	} else {
		Tell("done", name)
	}
}
