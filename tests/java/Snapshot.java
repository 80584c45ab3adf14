import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.memory.MemoryPool;
import org.apache.kafka.common.metadata.ConfigRecord;
import org.apache.kafka.common.metadata.FeatureLevelRecord;
import org.apache.kafka.common.metadata.PartitionRecord;
import org.apache.kafka.common.metadata.RegisterBrokerRecord;
import org.apache.kafka.common.metadata.TopicRecord;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.MetadataRecordSerde;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.KRaftVersion;
import org.apache.kafka.server.common.OffsetAndEpoch;
import org.apache.kafka.snapshot.FileRawSnapshotWriter;
import org.apache.kafka.snapshot.RecordsSnapshotWriter;

/**
 * Writes, with Kafka's own classes, the snapshot of a cluster with many partitions of three replicas, so many brokers that
 * broker 1 has some 4,000 of these. Arguments: the directory, partitions, the snapshot's end.
 */
public final class Snapshot {
    private static final int OF_ONE_BROKER = 4000;
    private static final int A_TOPIC = 10;
    /** KafkaRaftClient.MAX_BATCH_SIZE_BYTES. */
    private static final int BATCH = 8 * 1024 * 1024;

    public static void main(String[] arguments) throws Exception {
        Path directory = Files.createDirectories(Path.of(arguments[0]));
        int partitions = Integer.parseInt(arguments[1]);
        int brokers = Math.max(3, partitions * 3 / OF_ONE_BROKER);
        Uuid[] directories = new Uuid[brokers];
        List<ApiMessageAndVersion> records = new ArrayList<>();
        var raw = FileRawSnapshotWriter.create(directory, new OffsetAndEpoch(Long.parseLong(arguments[2]), 3));
        try (RecordsSnapshotWriter<ApiMessageAndVersion> writer = new RecordsSnapshotWriter.Builder()
                .setTime(Time.SYSTEM).setMaxBatchSizeBytes(BATCH).setMemoryPool(MemoryPool.NONE).setRawSnapshotWriter(raw)
                .setKraftVersion(KRaftVersion.KRAFT_VERSION_0).setVoterSet(Optional.empty()).build(MetadataRecordSerde.INSTANCE)) {
            add(records, new FeatureLevelRecord().setName("metadata.version").setFeatureLevel((short) 20), 0);
            for (int id = 1; id <= brokers; id++) {
                directories[id - 1] = Uuid.randomUuid();
                add(records, new RegisterBrokerRecord().setBrokerId(id).setIncarnationId(Uuid.randomUuid()).setBrokerEpoch(id)
                    .setFenced(false).setLogDirs(List.of(directories[id - 1])), 3);
            }
            for (int from = 0; from < partitions; from += A_TOPIC) {
                String name = "topic-" + from;
                Uuid topic = Uuid.randomUuid();
                add(records, new TopicRecord().setName(name).setTopicId(topic), 0);
                for (int index = 0; index < A_TOPIC; index++) {
                    List<Integer> replicas = new ArrayList<>();
                    List<Uuid> where = new ArrayList<>();
                    for (int copy = 0; copy < 3; copy++) {
                        int broker = (from + index + copy) % brokers;
                        replicas.add(broker + 1);
                        where.add(directories[broker]);
                    }
                    add(records, new PartitionRecord().setTopicId(topic).setPartitionId(index).setReplicas(replicas).setIsr(replicas)
                        .setLeader(replicas.get(0)).setLeaderEpoch(5).setPartitionEpoch(9).setDirectories(where), 1);
                }
                flush(writer, records, 1000);
            }
            for (int from = 0; from < partitions; from += A_TOPIC) {
                add(records, new ConfigRecord().setResourceType((byte) 2).setResourceName("topic-" + from)
                    .setName("retention.ms").setValue("86400000"), 0);
                flush(writer, records, 1000);
            }
            flush(writer, records, 1);
            writer.freeze();
        }
    }

    private static void add(List<ApiMessageAndVersion> records, ApiMessage message, int version) {
        records.add(new ApiMessageAndVersion(message, (short) version));
    }

    private static void flush(RecordsSnapshotWriter<ApiMessageAndVersion> writer, List<ApiMessageAndVersion> records, int least) {
        if (records.size() >= least) {
            writer.append(records);
            records.clear();
        }
    }
}
