// Pricing tells what things cost, over gRPC, with the standard health service and metrics for Prometheus.
package main

import (
	"context"
	"fmt"
	"hash/crc32"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"shop/pricing/pb"
)

type pricing struct {
	pb.UnimplementedPricingServer
	quotes atomic.Int64
}

func (p *pricing) Quote(ctx context.Context, request *pb.QuoteRequest) (*pb.QuoteReply, error) {
	if request.Quantity < 1 {
		return nil, status.Errorf(codes.InvalidArgument, "quantity is %d, and has to be at least 1", request.Quantity)
	}
	// A price that depends on nothing but the name: the same one each time, everywhere.
	each := int64(100 + crc32.ChecksumIEEE([]byte(request.Item))%900)
	p.quotes.Add(1)
	slog.InfoContext(ctx, "quoted", "item", request.Item, "each", each, "request_id", requestID(ctx))
	return &pb.QuoteReply{Total: each * int64(request.Quantity)}, nil
}

func (p *pricing) metrics(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintf(w, "# TYPE shop_quotes_total counter\nshop_quotes_total %d\n", p.quotes.Load())
}

func requestID(ctx context.Context) string {
	if given, ok := metadata.FromIncomingContext(ctx); ok {
		if ids := given.Get("x-request-id"); len(ids) > 0 {
			return ids[0]
		}
	}
	return ""
}

func run() error {
	listener, err := net.Listen("tcp", ":50051")
	if err != nil {
		return err
	}
	service := &pricing{}
	server := grpc.NewServer()
	pb.RegisterPricingServer(server, service)
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())

	http.HandleFunc("GET /metrics", service.metrics)
	go func() { slog.Error("no metrics", "error", http.ListenAndServe(":9100", nil)) }()

	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer cancel()
	context.AfterFunc(ctx, server.GracefulStop)
	slog.Info("pricing listens", "address", listener.Addr().String())
	return server.Serve(listener)
}

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	if err := run(); err != nil {
		slog.Error("pricing ends", "error", err)
		os.Exit(1)
	}
}
