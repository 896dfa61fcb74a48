#!/bin/bash
exec java -Xmx128m -cp '/apache-zookeeper/lib/*' org.apache.zookeeper.ZooKeeperMain "$@"
