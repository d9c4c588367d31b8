package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// Release is the version of this source tree.
const Release = "0.1.0"

// Version is the release, with the revision where the build knows it.
func Version() string {
	v := Release
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision" && len(s.Value) >= 12:
				v += "+" + s.Value[:12]
			case s.Key == "vcs.modified" && s.Value == "true":
				v += ".modified"
			}
		}
	}
	return v
}

// VersionLine is what a program's --version prints: the version, the date of its revision
// where the build knows it, and what it was built with and for.
func VersionLine(program string) string {
	date := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if day, _, found := strings.Cut(s.Value, "T"); s.Key == "vcs.time" && found {
				date = " of " + day
			}
		}
	}
	return fmt.Sprintf("%s %s%s %s %s/%s", program, Version(), date, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
