package sensors

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// nvidia asks the driver's own program, which repeats itself: starting it for
// each look would cost more than what is timed. NVIDIA's UUID of a GPU is the one
// that Vulkan has.
func nvidia(ctx context.Context, uuid string, every time.Duration) Reading {
	args := []string{"--query-gpu=clocks.sm,clocks.mem,power.draw", "--format=csv,noheader,nounits", "-lms", fmt.Sprint(every.Milliseconds()), "-i", nvidiaName(uuid)}
	cmd := exec.CommandContext(ctx, "nvidia-smi", args...)
	cmd.WaitDelay = time.Second
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return Reading{Unread: "clocks and power: no nvidia-smi, which comes with NVIDIA's driver (in a container: NVIDIA_DRIVER_CAPABILITIES=all)"}
		}
		return Reading{Unread: "clocks and power: nvidia-smi: " + err.Error()}
	}
	var list []sample
	said := ""
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if s, ok := parseNvidia(lines.Text()); ok {
			list = append(list, s)
		} else if said == "" {
			said = strings.TrimSpace(lines.Text())
		}
	}
	cmd.Wait() // it is killed when the watch ends
	r := spans(list)
	r.From = "nvidia-smi"
	if lacks := r.lacks(); lacks != "" {
		if said == "" {
			said = "says nothing of them for this GPU"
		}
		r.Unread = lacks + ": nvidia-smi: " + said
	}
	return r
}

// nvidiaName is a UUID of 32 digits as nvidia-smi writes it.
func nvidiaName(uuid string) string {
	if len(uuid) != 32 {
		return uuid
	}
	return "GPU-" + strings.Join([]string{uuid[:8], uuid[8:12], uuid[12:16], uuid[16:20], uuid[20:]}, "-")
}

// parseNvidia reads a line of numbers such as "1980, 2619, 512.33"; what the card
// doesn't tell is "[N/A]".
func parseNvidia(line string) (sample, bool) {
	fields := strings.Split(line, ",")
	if len(fields) != 3 {
		return sample{}, false
	}
	var x [3]float64
	for i, f := range fields {
		f = strings.TrimSpace(f)
		v, err := strconv.ParseFloat(f, 64)
		if err != nil && !strings.HasPrefix(f, "[") {
			return sample{}, false
		}
		x[i] = v
	}
	return sample{x[0], x[1], x[2]}, true
}
