module example.com/embed

go 1.26.0

require github.com/crate-vk/crate-vk v0.0.0

require (
	github.com/vulkan-go/vulkan v0.0.0-20221209234627-c0a353ae26c8 // indirect
	golang.org/x/image v0.47.0 // indirect
	gonum.org/v1/gonum v0.17.0 // indirect
)

replace github.com/crate-vk/crate-vk => ../..
