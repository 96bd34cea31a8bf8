// Bakes with the AWS SDK for JavaScript: node cycle.mjs STEP ARGUMENTS, see the functions.
// Prints a JSON object. The endpoint, region and credentials come from the environment.

import { readFileSync } from "node:fs";
import * as sdk from "@aws-sdk/client-ec2";

const ec2 = new sdk.EC2Client({});
const NAME = "javascript";
const patience = { client: ec2, minDelay: 1, maxDelay: 1, maxWaitTime: 120 };

async function prepare(publicKeyFile, cidr) {
  const key = { KeyName: NAME, PublicKeyMaterial: readFileSync(publicKeyFile) };
  await ec2.send(new sdk.ImportKeyPairCommand(key));
  const group = { GroupName: NAME, Description: "ssh" };
  const { GroupId } = await ec2.send(new sdk.CreateSecurityGroupCommand(group));
  const ssh = { IpProtocol: "tcp", FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: cidr }] };
  const rule = { GroupId, IpPermissions: [ssh] };
  await ec2.send(new sdk.AuthorizeSecurityGroupIngressCommand(rule));
}

async function launch(ImageId) {
  const asked = { ImageId, InstanceType: "t3.small", MinCount: 1, MaxCount: 1, KeyName: NAME };
  const command = new sdk.RunInstancesCommand({ ...asked, SecurityGroups: [NAME] });
  const InstanceIds = [(await ec2.send(command)).Instances[0].InstanceId];
  await sdk.waitUntilInstanceRunning(patience, { InstanceIds });
  const shown = await ec2.send(new sdk.DescribeInstancesCommand({ InstanceIds }));
  const instance = shown.Reservations[0].Instances[0];
  const data = instance.BlockDeviceMappings.find((one) => one.DeviceName === "/dev/sdf");
  const zone = instance.Placement.AvailabilityZone;
  return { instance: InstanceIds[0], zone, address: instance.PublicIpAddress, data: data?.Ebs.VolumeId };
}

async function attach(InstanceId, AvailabilityZone) {
  const asked = { AvailabilityZone, Size: 1, VolumeType: "gp3" };
  const { VolumeId } = await ec2.send(new sdk.CreateVolumeCommand(asked));
  await sdk.waitUntilVolumeAvailable(patience, { VolumeIds: [VolumeId] });
  const place = { InstanceId, VolumeId, Device: "/dev/sdf" };
  await ec2.send(new sdk.AttachVolumeCommand(place));
  await sdk.waitUntilVolumeInUse(patience, { VolumeIds: [VolumeId] });
  return { data: VolumeId };
}

async function bake(InstanceId) {
  await ec2.send(new sdk.StopInstancesCommand({ InstanceIds: [InstanceId] }));
  await sdk.waitUntilInstanceStopped(patience, { InstanceIds: [InstanceId] });
  const asked = { InstanceId, Name: NAME };
  const { ImageId } = await ec2.send(new sdk.CreateImageCommand(asked));
  await sdk.waitUntilImageAvailable(patience, { ImageIds: [ImageId] });
  return { image: ImageId };
}

async function remove(ImageId, ...InstanceIds) {
  await ec2.send(new sdk.TerminateInstancesCommand({ InstanceIds }));
  await sdk.waitUntilInstanceTerminated(patience, { InstanceIds });
  for await (const page of sdk.paginateDescribeVolumes({ client: ec2 }, {})) {
    for (const { VolumeId } of page.Volumes) {
      await ec2.send(new sdk.DeleteVolumeCommand({ VolumeId }));
    }
  }
  const both = { ImageId, DeleteAssociatedSnapshots: true };
  const told = await ec2.send(new sdk.DeregisterImageCommand(both));
  await ec2.send(new sdk.DeleteSecurityGroupCommand({ GroupName: NAME }));
  await ec2.send(new sdk.DeleteKeyPairCommand({ KeyName: NAME }));
  return { snapshots: told.DeleteSnapshotResults.map((one) => one.ReturnCode) };
}

async function refused(ImageId) {
  try {
    await launch(ImageId);
  } catch (error) {
    return { name: error.name, status: error.$metadata.httpStatusCode };
  }
  return {};
}

const steps = { prepare, launch, attach, bake, remove, refused };
const [step, ...words] = process.argv.slice(2);
console.log(JSON.stringify((await steps[step](...words)) ?? {}));
