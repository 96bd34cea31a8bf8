# What the rehearsal's recipe provisions, as a user of Packer would write it.
variable "endpoint" { type = string }
variable "region" { type = string }
variable "uv_requirement" { type = string }
variable "packages" { type = string }
variable "repository" { type = string }
variable "notebook" { type = string }

source "amazon-ebs" "jupyter" {
  ami_name                = "packer-{{timestamp}}"
  custom_endpoint_ec2     = var.endpoint
  region                  = var.region
  skip_metadata_api_check = true
  instance_type           = "m5d.large"
  ssh_username            = "ubuntu"

  source_ami_filter {
    owners      = ["099720109477"]
    most_recent = true
    filters = {
      name = "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-*"
    }
  }

  launch_block_device_mappings {
    device_name           = "/dev/sda1"
    volume_size           = 8
    volume_type           = "gp3"
    iops                  = 3000
    throughput            = 125
    delete_on_termination = true
  }
  launch_block_device_mappings {
    device_name           = "/dev/sdf"
    volume_size           = 1
    volume_type           = "gp3"
    iops                  = 3000
    throughput            = 125
    delete_on_termination = true
  }
  launch_block_device_mappings {
    device_name           = "/dev/sdg"
    volume_size           = 1
    volume_type           = "gp3"
    iops                  = 3000
    throughput            = 125
    delete_on_termination = true
  }
}

build {
  sources = ["source.amazon-ebs.jupyter"]

  provisioner "shell" {
    inline = ["cloud-init status --wait"]
  }

  provisioner "shell" {
    script          = "${path.root}/provision.sh"
    execute_command = "sudo --preserve-env env {{ .Vars }} bash {{ .Path }}"
    environment_vars = [
      "UV_REQUIREMENT=${var.uv_requirement}",
      "PACKAGES=${var.packages}",
      "REPOSITORY=${var.repository}",
      "NOTEBOOK=${var.notebook}",
    ]
  }
}
