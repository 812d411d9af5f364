// A client on the library that decides how skopeo, podman and buildah authenticate, at its current version.
//
//	containers-image-current [--authfile FILE] list-tags REPOSITORY
//	containers-image-current [--authfile FILE] inspect REPOSITORY:TAG
//
// It is none of those programs, and its User-Agent says so.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"go.podman.io/image/v5/docker"
	"go.podman.io/image/v5/types"
	"go.podman.io/image/v5/version"
)

func main() {
	authfile := flag.String("authfile", "", "file of credentials, as `podman login` writes it")
	flag.Parse()
	system := &types.SystemContext{
		AuthFilePath:            *authfile,
		DockerRegistryUserAgent: "containers-image-probe/" + version.Version,
	}
	if err := perform(context.Background(), system, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func perform(ctx context.Context, system *types.SystemContext, words []string) error {
	if len(words) != 2 {
		return errors.New("expected: [--authfile FILE] list-tags|inspect REFERENCE")
	}
	reference, err := docker.ParseReference("//" + words[1])
	if err != nil {
		return err
	}
	switch words[0] {
	case "list-tags":
		return listTags(ctx, system, reference)
	case "inspect":
		return inspect(ctx, system, reference)
	}
	return fmt.Errorf("expected list-tags or inspect, found %q", words[0])
}

func listTags(ctx context.Context, system *types.SystemContext, repository types.ImageReference) error {
	tags, err := docker.GetRepositoryTags(ctx, system, repository)
	for _, tag := range tags {
		fmt.Println(tag)
	}
	return err
}

// inspect fetches the manifest and the blob that it names as the configuration.
func inspect(ctx context.Context, system *types.SystemContext, reference types.ImageReference) error {
	image, err := reference.NewImage(ctx, system)
	if err != nil {
		return err
	}
	defer image.Close()
	configuration, err := image.ConfigBlob(ctx)
	if err == nil {
		_, err = os.Stdout.Write(configuration)
	}
	return err
}
