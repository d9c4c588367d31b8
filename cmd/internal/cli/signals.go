package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Interruptible is a context that the signals to stop end. A second signal ends the
// process at once, and so does time: whoever reads from a file system that doesn't
// answer looks at no context, and has until the limit. Files that are there are complete all the same.
func Interruptible(program string, limit time.Duration) (ctx context.Context, stop func()) {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup wants it
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, cancel := context.WithCancel(context.Background())
	came := make(chan os.Signal, 2)
	signal.Notify(came, signals...)
	go func() {
		<-came
		cancel()
		select {
		case <-came:
		case <-time.After(limit):
			fmt.Fprintln(os.Stderr, program+": interrupted, and what is under way doesn't end")
		}
		os.Exit(ExitInterrupted)
	}()
	return ctx, func() { signal.Stop(came) }
}
