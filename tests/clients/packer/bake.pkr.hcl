# A small bake: a data volume, a provisioner, and Packer's own temporary key pair and group.

variable "endpoint" {
  type = string
}

source "amazon-ebs" "small" {
  custom_endpoint_ec2 = var.endpoint
  region              = "us-west-2"
  instance_type       = "t3.small"
  ssh_username        = "ubuntu"
  ami_name            = "packed"

  source_ami_filter {
    owners      = ["099720109477"]
    most_recent = true
    filters = {
      name                = "ubuntu/images/hvm-ssd-gp3/*"
      root-device-type    = "ebs"
      virtualization-type = "hvm"
    }
  }

  launch_block_device_mappings {
    device_name           = "/dev/sdf"
    volume_size           = 1
    volume_type           = "gp3"
    iops                  = 3000
    throughput            = 125
    delete_on_termination = true
  }

  run_tags        = { Name = "packing" }
  run_volume_tags = { Name = "packing" }
  snapshot_tags   = { Name = "packed" }
  tags            = { Name = "packed", Base = "{{ .SourceAMI }}" }
}

build {
  sources = ["source.amazon-ebs.small"]

  provisioner "shell" {
    inline = [
      "set -eu",
      "disk=$(ls /dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol* | tail --lines 1)",
      "sudo mkfs.ext4 -q $disk",
      "sudo mount $disk /mnt",
      "echo packer | sudo tee /etc/baked /mnt/baked",
      "sudo umount /mnt",
    ]
  }

  post-processor "manifest" {
    output = "manifest.json"
  }
}
