"""What has changed since an image was made: asked of the sources, without a machine."""
