package drivers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// nodesClosed finds nodes that this user may not open.
func nodesClosed(ctx context.Context, m Machine) []Finding {
	var found []Finding
	for _, node := range append(m.nodes(), m.glob("/dev/nvidiactl")...) {
		err := m.use(node)
		var problem, remedy string
		switch {
		case err == nil || errors.Is(err, fs.ErrNotExist):
			continue
		case errors.Is(err, syscall.EPERM):
			problem, remedy = "the container may not use it", "give it to the container as a device, not as a volume: --device "+node
		case errors.Is(err, fs.ErrPermission):
			problem, remedy = "this user may not open it", m.groupRemedy(ctx, node)
		default:
			problem, remedy = reason(err), "see what the kernel says of it: dmesg"
		}
		found = append(found, Finding{Problem: fmt.Sprintf("the GPU's node %s can't be opened: %s", node, problem), Remedy: remedy})
	}
	return found
}

// use opens a node as a driver would.
func (m Machine) use(node string) error {
	if m.Use != nil {
		return m.Use(m.path(node))
	}
	f, err := os.OpenFile(m.path(node), os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err == nil {
		f.Close()
	}
	return err
}

// groupRemedy says how a user comes to be allowed to open a node.
func (m Machine) groupRemedy(ctx context.Context, node string) string {
	id, ok := groupOf(m.path(node))
	if m.inContainer(ctx) && ok {
		return fmt.Sprintf("start the container with --group-add %d, the node's group", id)
	}
	group := "render"
	if name := groupName(m.read(ctx, "/etc/group"), id); ok && name != "" && name != "root" {
		group = name
	}
	return fmt.Sprintf("join its group and log in anew: sudo usermod -aG %s $USER", group)
}

// groupName is the name of a group in the text of /etc/group; "" where it has none.
func groupName(text string, id int) string {
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if f := strings.Split(lines.Text(), ":"); len(f) > 2 && f[2] == strconv.Itoa(id) {
			return f[0]
		}
	}
	return ""
}
